// While somebody types or draws: is it one of these, which are on the map already?
import { gettext } from '../words.js'
import { element } from './elements.js'

export function askNear (form) {
  const list = form.querySelector('[data-near]')
  let timer
  let asked = ''
  const ask = async () => {
    const spot = middle(form.elements.geometry.value)
    const query = new URLSearchParams({ name: form.elements.name.value.trim() })
    if (spot) {
      query.set('lon', spot[0].toFixed(5))
      query.set('lat', spot[1].toFixed(5))
    } else if (form.elements.place.value.trim()) query.set('place', form.elements.place.value.trim())
    else return show(list, [])
    if (String(query) === asked) return
    asked = String(query)
    try {
      const response = await fetch(`/green-spaces/near?${query}`, { headers: { Accept: 'application/json' } })
      if (!response.ok || asked !== String(query)) return
      const found = await response.json()
      show(list, found.spaces, found.said)
      // The map goes where the words say, for who then draws there.
      if (!spot && found.at) form.dispatchEvent(new CustomEvent('survey:named', { detail: found.at }))
    } catch {
      asked = '' // without signal nothing is said; with signal it is asked again
    }
  }
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(ask, 500)
  }
  for (const name of ['name', 'place']) form.elements[name].addEventListener('input', later)
  form.addEventListener('survey:drawn', later)
}

function show (list, spaces, said = '') {
  list.replaceChildren()
  if (said) list.append(element('p', 'govuk-body', gettext('%(place)s. Show on the map where it is, if you can.', { place: said })))
  if (!spaces.length) return
  const question = document.createElement('p')
  question.className = 'govuk-body govuk-!-margin-bottom-1'
  question.textContent = gettext('Is it one of these, which are on the map already?')
  const items = document.createElement('ul')
  items.className = 'govuk-list govuk-list--bullet'
  for (const space of spaces) {
    const item = document.createElement('li')
    const link = document.createElement('a')
    link.className = 'govuk-link'
    link.href = `/green-spaces/${encodeURIComponent(space.id)}`
    link.target = '_blank' // what was written here must not be left
    link.rel = 'noopener'
    link.textContent = space.name
    const how = space.metres ? gettext('%(count)s metres away', { count: space.metres }) : gettext('here')
    item.append(link, ` (${how})`)
    items.append(item)
  }
  list.append(question, items)
}

export function middle (written) {
  if (!written) return null
  const { type, coordinates } = JSON.parse(written)
  if (type === 'Point') return coordinates
  const ring = coordinates[0].slice(0, -1)
  return [0, 1].map((axis) => ring.reduce((sum, position) => sum + position[axis], 0) / ring.length)
}
