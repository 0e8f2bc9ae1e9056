// A photograph that knows where it was taken is offered as the place, before anything is sent. Without a script, or
// where it cannot be read here, the server offers the same.
import { gettext } from '../words.js'
import { action, element } from './elements.js'

export function offerPosition (form) {
  const slot = form.querySelector('[data-photograph-place]')
  const { photographs, geometry, place } = form.elements
  let asked = 0
  const placed = () => Boolean(geometry.value || place.value.trim())

  photographs.addEventListener('change', async () => {
    const mine = asked += 1
    slot.replaceChildren()
    for (const file of placed() ? [] : [...photographs.files]) {
      const at = await takenAt(slot.dataset.src, file)
      if (mine !== asked || placed()) return
      if (at) return offer(at, file.name)
    }
  })
  form.addEventListener('survey:filled', () => { asked += 1; slot.replaceChildren() })

  function offer (at, name) {
    const words = `${at[1].toFixed(5)}, ${at[0].toFixed(5)}`
    const box = element('div', 'govuk-inset-text')
    const question = element('p', 'govuk-body app-breakable', gettext('The photograph %(name)s says it was taken here: %(place)s. Use this place?', { name, place: words }))
    const bar = element('div', 'app-row')
    const use = () => {
      form.dispatchEvent(new CustomEvent('survey:at', { detail: at }))
      if (!geometry.value) place.value = words // there is no map
      slot.replaceChildren(element('p', 'govuk-body', gettext('That is the place now. Look at it on the map above, and drag the point if it is not right.')))
    }
    bar.append(action(gettext('Use this place'), use, 'govuk-button govuk-button--secondary'))
    bar.append(action(gettext('No, it is elsewhere'), () => slot.replaceChildren(), 'app-button-link'))
    box.append(question, bar)
    slot.replaceChildren(box)
  }
}

async function takenAt (address, file) {
  try {
    if (!window.mapserviceTakenAt) await fetched(address)
    return await window.mapserviceTakenAt(file)
  } catch {
    return null // it cannot be read here
  }
}

function fetched (address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = address
    script.onload = resolve
    script.onerror = reject
    document.head.append(script)
  })
}
