// From a point of the map to the help near it: a link below the map's search for the middle of what is in view, and
// a card wherever somebody presses long or asks for the menu. Both are ordinary links to the question's own page.
import L from 'leaflet'

import { element } from './popup.js'
import { gettext } from '../words.js'

export function joinNear (map) {
  const link = document.querySelector('[data-map-near]')
  if (link) {
    const follow = () => { link.href = address(map.getCenter()) }
    map.on('moveend', follow)
    follow()
    link.closest('[hidden]')?.removeAttribute('hidden')
  }
  map.on('contextmenu', ({ latlng, originalEvent }) => {
    originalEvent?.preventDefault()
    const ask = element('a', { class: 'govuk-link', href: address(latlng) }, gettext('Find help near this point'))
    L.popup({ minWidth: 160 }).setLatLng(latlng).setContent(element('p', { class: 'app-card__name' }, ask)).openOn(map)
  })
}

// What was asked on this page is asked of the point too, but for where. Five digits are a metre.
function address (latlng) {
  const { lng, lat } = latlng.wrap()
  const asked = new URLSearchParams(window.location.search)
  for (const name of ['postcode', 'near', 'locality', 'lang']) asked.delete(name)
  const kept = window.location.pathname.endsWith('/find') ? asked : new URLSearchParams()
  kept.set('lon', lng.toFixed(5))
  kept.set('lat', lat.toFixed(5))
  return `/find?${kept}`
}
