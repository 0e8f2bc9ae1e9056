// The small map on a page: it shows the places the page itself lists, read from the page.
//   data-map-point="lon,lat"   a place, with data-map-name and optionally data-map-number; one with
//                              data-map-extra is drawn without making the view wider
//   data-map-feature="address" a feature drawn from the API (a green space's outline)
import L from 'leaflet'

import { gettext } from '../words.js'

export function pagePlaces (map, bounds) {
  const shown = L.featureGroup().addTo(map)
  const extra = L.featureGroup().addTo(map)
  for (const node of document.querySelectorAll('[data-map-point]')) {
    const [lon, lat] = node.dataset.mapPoint.split(',').map(Number)
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) continue
    const group = 'mapExtra' in node.dataset ? extra : shown
    group.addLayer(place(node, [lat, lon], map))
  }
  const features = [...document.querySelectorAll('[data-map-feature]')]
  const frame = () => {
    const alone = shown.getLayers().length === 1
    if (shown.getLayers().length) map.fitBounds(shown.getBounds(), { maxZoom: features.length ? 18 : alone && extra.getLayers().length ? 14 : 16, padding: [35, 35], animate: false })
    else if (bounds) map.fitBounds(bounds, { animate: false })
  }
  frame()
  if (!features.length) return // what draws on the map from here on may have moved it
  Promise.all(features.map(async (node) => {
    const response = await fetch(node.dataset.mapFeature, { headers: { Accept: 'application/geo+json' } })
    if (!response.ok) throw new Error(`The server answered ${response.status}`)
    shown.addLayer(L.geoJSON(await response.json(), {
      interactive: false,
      style: { color: '#0b0c0c', weight: 3, fillOpacity: 0.25, fillColor: node.dataset.mapColour ?? '#1d6b34' }
    }))
  })).then(frame, () => map.fire('mapservice:say', { text: gettext('The outline could not be loaded. Everything else on this page still holds.') }))
}

function place (node, latlng, map) {
  const symbol = node.querySelector('.app-symbol svg')?.outerHTML ?? ''
  const number = node.dataset.mapNumber
  const html = number ? `<span class="app-number">${Number(number)}</span>` : symbol
  const you = 'mapYou' in node.dataset
  const marker = L.marker(latlng, {
    icon: L.divIcon({ html: you ? '<span class="app-you"></span>' : html, className: 'app-marker', iconSize: you ? [18, 18] : [34, 34] }),
    title: node.dataset.mapName,
    keyboard: false, // the page lists every place: nobody need go through them twice, or hit small ones
    zIndexOffset: number ? 1000 - Number(number) : 'mapExtra' in node.dataset ? 0 : 500
  })
  marker.on('add', () => marker.getElement().setAttribute('aria-hidden', 'true'))
  marker.on('click', () => {
    const text = document.createElement('p')
    text.className = 'app-card__name'
    text.textContent = node.dataset.mapName
    L.popup().setLatLng(latlng).setContent(text).openOn(map)
  })
  return marker
}
