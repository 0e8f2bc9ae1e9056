// Search on the map: a postcode, or part of a place's name. The form works without this script, as a
// search for help near a postcode.
import L from 'leaflet'

import { element } from './popup.js'
import { gettext, ngettext } from '../words.js'

const POSTCODE = /^[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}$/i

export function joinSearch (map, { say }) {
  const form = document.querySelector('[data-map-search]')
  if (!form) return
  const input = form.querySelector('input')
  const results = form.querySelector('[data-map-search-results]')
  const status = form.querySelector('[data-map-search-status]')
  let abort = null
  let timer = null
  let pin = null

  const ask = async (address) => {
    abort?.abort()
    abort = new AbortController()
    return fetch(address, { signal: abort.signal, headers: { Accept: 'application/json' } })
  }

  const goTo = (lat, lon, name, found) => {
    results.replaceChildren()
    pin?.remove()
    pin = L.marker([lat, lon], {
      icon: L.divIcon({ html: '<span class="app-you"></span>', className: 'app-marker', iconSize: [18, 18] }),
      interactive: false,
      keyboard: false
    }).addTo(map)
    map.setView([lat, lon], Math.max(map.getZoom(), 16))
    status.textContent = gettext('The map now shows %(name)s.', { name })
    say('')
    if (found) map.fire('mapservice:reveal', found)
  }

  const byPostcode = async (postcode) => {
    const response = await ask(`${form.dataset.lookup}?postcode=${encodeURIComponent(postcode)}`)
    const answer = await response.json()
    if (response.ok) goTo(answer.latitude, answer.longitude, answer.postcode)
    else status.textContent = gettext('We could not find that postcode. Check it, or type part of the name of a place.')
  }

  const byName = async (text) => {
    const response = await ask(`${form.dataset.names}?q=${encodeURIComponent(text)}`)
    if (!response.ok) throw new Error(`The server answered ${response.status}`)
    const { places } = await response.json()
    results.replaceChildren(...places.map((place) => {
      const button = element('button', { type: 'button', class: 'app-link-button' }, place.name,
        element('span', { class: 'app-search__kind' }, ` ${place.kind}`))
      button.addEventListener('click', () => goTo(place.latitude, place.longitude, place.name, place))
      return element('li', {}, button)
    }))
    status.textContent = places.length
      ? ngettext('%(count)s place found.', '%(count)s places found.', places.length)
      : gettext('No place here has that name. Try part of the name, or a postcode.')
  }

  const search = async (submitted) => {
    const text = input.value.trim()
    try {
      if (POSTCODE.test(text)) await byPostcode(text)
      else if (text.length >= 3) await byName(text)
      else {
        results.replaceChildren()
        status.textContent = submitted ? gettext('Type a postcode, or at least 3 letters of a name.') : ''
      }
    } catch (error) {
      if (error.name !== 'AbortError') status.textContent = gettext('The search could not reach the server. Try again in a moment.')
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    clearTimeout(timer)
    search(true)
  })
  input.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(() => search(false), 300)
  })
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    results.replaceChildren()
    status.textContent = ''
    input.focus()
  })
}
