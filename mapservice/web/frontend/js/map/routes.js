// The way to a place, drawn on the small map when asked for. Every place in the page's lists that a way is known to
//   <li data-map-walk="assets/finsbury-library" data-map-name="the place"> … <ul class="app-place__facts">
// gets a button, if the page says where somebody is (data-map-you). The address asked says so too: it goes to this
// server alone, and nothing of the answer is kept.
import L from 'leaflet'
import { gettext, ngettext } from '../words.js'

export function joinRoutes (map) {
  const you = document.querySelector('[data-map-you]')?.dataset.mapPoint
  if (!you) return
  // Six digits are a hand's breadth; the API takes no more than fifteen.
  const from = you.split(',').map((degrees) => Number(degrees).toFixed(6)).join(',')
  const drawn = L.featureGroup().addTo(map)
  const credits = new Set()
  let asked = 0

  const show = async (node) => {
    const mine = ++asked
    const say = (text) => map.fire('mapservice:say', { text })
    say('')
    try {
      const response = await fetch(`/api/route?${new URLSearchParams({ from, to: node.dataset.mapWalk })}`, { headers: { Accept: 'application/geo+json' }, cache: 'no-store' })
      if (!response.ok) throw new Error(`The server answered ${response.status}`)
      const route = await response.json()
      if (mine !== asked) return // another way was asked for since
      drawn.clearLayers()
      const path = route.properties.measured === 'path'
      // A light line under a dark one shows on any base map; dashes mean that no path is known.
      drawn.addLayer(L.geoJSON(route, { interactive: false, style: { color: '#fff', weight: 9, opacity: 0.9 } }))
      drawn.addLayer(L.geoJSON(route, { interactive: false, style: { color: '#1d4f91', weight: 5, dashArray: path ? null : '2 10' } }))
      map.fitBounds(drawn.getBounds(), { padding: [40, 40], maxZoom: 17, animate: false })
      credit(map, credits, route.properties.attribution)
      say(words(node.dataset.mapName ?? route.properties.name, route.properties, path))
      map.getContainer().closest('.app-map')?.scrollIntoView({ block: 'nearest' })
    } catch {
      if (mine === asked) say(gettext('The way could not be drawn. Everything else on this page still holds.'))
    }
  }

  for (const node of document.querySelectorAll('[data-map-walk]')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'app-link-button app-no-print'
    button.textContent = gettext('Show the way on the map')
    const place = document.createElement('span')
    place.className = 'govuk-visually-hidden'
    place.textContent = ` ${gettext('to %(name)s', { name: node.dataset.mapName ?? gettext('this place') })}`
    button.append(place)
    button.addEventListener('click', () => show(node))
    const item = document.createElement('li')
    item.append(button)
    node.querySelector('.app-place__facts')?.append(item)
  }
}

function words (name, { metres, minutes, step_free: stepFree }, path) {
  const far = metres < 1000 ? gettext('%(count)s m', { count: Math.round(metres / 10) * 10 }) : gettext('%(count)s km', { count: (metres / 1000).toFixed(1) })
  if (!path) return gettext('No way on foot to %(name)s is known. In a straight line it is %(far)s.', { name, far })
  const way = ngettext('%(name)s: %(count)s minute on foot, %(far)s along streets and paths.', '%(name)s: %(count)s minutes on foot, %(far)s along streets and paths.', minutes, { name, far })
  return stepFree ? way : `${way} ${gettext('There are steps on the way.')}`
}

// Whoever made the network is named beside what is drawn from it.
function credit (map, credits, text) {
  if (!text || credits.has(text)) return
  credits.add(text)
  const safe = document.createElement('span')
  safe.textContent = text
  map.attributionControl?.addAttribution(safe.innerHTML)
}
