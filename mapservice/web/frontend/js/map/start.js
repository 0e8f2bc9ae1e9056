// What Folium's script calls when map and layers stand: joins them to the page around the map.
import L from 'leaflet'

import { tidyLabels } from './areas.js'
import { readAddress, writeAddress } from './address.js'
import { Board } from './board.js'
import { ViewList } from './list.js'
import { joinNear } from './near.js'
import { pagePlaces } from './page-places.js'
import { joinRoutes } from './routes.js'
import { joinSearch } from './search.js'
import { joinSwitches } from './switches.js'
import { joinViewData } from './view-data.js'
import { gettext, ngettext } from '../words.js'

export function start (map, { clusters, layers, small = false, bounds, orients = false }) {
  map.attributionControl?.setPrefix('')
  if (window.matchMedia('(prefers-reduced-motion: reduce)').matches) {
    // Leaflet reads these from its options while the map is made, which is before this.
    map._zoomAnimated = map._fadeAnimated = map.options.markerZoomAnimation = false
    // The plugin chooses its animations when it is made; before it is added the choice can still be changed.
    Object.assign(clusters, clusters._noAnimation, { _markerCluster: L.MarkerClusterNonAnimated })
  }
  const container = map.getContainer()
  container.setAttribute('role', 'region')
  container.setAttribute('aria-label', container.closest('[data-map-label]')?.dataset.mapLabel ?? gettext('Map'))
  container.closest('.app-map')?.classList.add('app-map--ready')
  nameControls(container)
  container.addEventListener('keydown', (event) => { if (event.key === 'Escape') map.closePopup() })

  map.on('layeradd', ({ layer }) => {
    const node = layer.getElement?.()
    if (node?.classList.contains('leaflet-control-locate-location')) node.setAttribute('aria-label', gettext('Where you are'))
  })

  const board = new Board(map, clusters, layers)
  const status = new Status(map, layers)
  let timer
  let wanted = null // what a search found: its card opens once its layer has loaded
  const changed = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      const entries = board.entries()
      if (!small) board.redraw(entries)
      list?.show(entries)
      status.update()
      tidyLabels(map, layers)
      for (const layer of layers) if (map.hasLayer(layer)) layer._areas.keepReachable()
      if (wanted && (Date.now() > wanted.until || reveal(wanted.id))) wanted = null
    }, 30)
  }
  for (const layer of layers) layer.on('change', changed)
  map.on('moveend zoomend mapservice:labels', changed)
  clusters.on('animationend', changed) // names can only step aside for symbols that have come to rest
  if (!orients) watchTiles(map, status)

  const reveal = (id) => board.show(id) || layers.some((layer) => map.hasLayer(layer) && layer._areas.show(id))
  const listNode = small ? null : document.querySelector('[data-map-list]')
  const list = listNode && new ViewList(listNode, map, reveal)
  if (small) {
    pagePlaces(map, bounds)
    joinRoutes(map)
  } else {
    const restored = readAddress(map, layers)
    if (!restored && bounds) map.fitBounds(bounds, { animate: false })
    joinSwitches(map, layers)
    joinViewData(map, layers)
    joinSearch(map, { say: (text) => status.say(text), bounds })
    map.on('mapservice:reveal', ({ id, layer: layerId }) => {
      const layer = layers.find((one) => one.options.id === layerId)
      if (!layer || layer.options.boundary) return
      if (!board.entries().has(id) && !map.hasLayer(layer)) {
        map.addLayer(layer)
        map.fire('mapservice:switched')
      }
      wanted = { id, until: Date.now() + 10000 }
      changed()
    })
    writeAddress(map, layers)
  }
  joinNear(map)
  changed()
  // The box may get its size only after this script has run (a folded panel, a printed page).
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(container)
}

class Status {
  constructor (map, layers) {
    this.layers = layers
    this.map = map
    const box = map.getContainer().closest('.app-map')
    this.node = box?.querySelector('[data-map-status]')
    this.notice = ''
    this.drawing = Boolean(box?.closest('[data-drawing]'))
    if (this.drawing && this.node) {
      box.after(this.node) // upon the map it would take the taps that are meant for it
      for (const event of ['online', 'offline']) window.addEventListener(event, () => this.update())
    }
    map.on('mapservice:say', ({ text }) => this.say(text))
  }

  say (text) {
    this.notice = text
    this.update()
  }

  update () {
    if (!this.node) return
    const on = this.layers.filter((layer) => this.map.hasLayer(layer))
    const failed = on.filter((layer) => layer.status === 'error')
    const cut = on.filter((layer) => layer.truncated)
    let text = this.notice
    if (failed.length) text = this.lacking(names(failed))
    else if (cut.length) text = gettext('There is more here than the map can show (%(layers)s). Zoom in to see all.', { layers: names(cut) })
    if (text && this.drawing && !navigator.onLine) text = gettext('No signal: the map may stay blank. Drawing and your location work all the same.')
    const key = `${text}|${failed.length}`
    if (key === this.key) return
    this.key = key
    this.node.replaceChildren(text)
    this.node.classList.toggle('app-map__status--shown', Boolean(text))
    if (failed.length) {
      const again = document.createElement('button')
      again.type = 'button'
      again.className = 'app-link-button'
      again.textContent = gettext('Try again')
      again.addEventListener('click', () => failed.forEach((layer) => layer.retry()))
      this.node.append(' ', again)
    }
  }

  lacking (layers) {
    if (this.drawing) return gettext('Some of the map could not be loaded (%(layers)s). Drawing works all the same.', { layers })
    return gettext('Some of the map could not be loaded (%(layers)s). The lists on this site still work.', { layers })
  }
}

function names (layers) {
  if (layers.length > 3) return ngettext('%(count)s layer', '%(count)s layers', layers.length)
  return layers.map((layer) => layer.options.title).join(', ')
}

function watchTiles (map, status) {
  map.eachLayer((layer) => {
    if (!(layer instanceof L.TileLayer)) return
    let loaded = 0
    let failed = 0
    layer.on('tileload', () => {
      loaded += 1
      if (failed && loaded === 1) status.say('')
    })
    layer.on('tileerror', () => {
      failed += 1
      if (failed === 3 && !loaded) status.say(gettext('The street map cannot be loaded just now. Ward outlines, green spaces and places still show.'))
    })
  })
}

// Leaflet's controls carry titles; names that say what they do help more.
function nameControls (container) {
  const set = (selector, name) => {
    const node = container.querySelector(selector)
    node?.setAttribute('aria-label', name)
    node?.setAttribute('title', name)
  }
  set('.leaflet-control-zoom-in', gettext('Zoom in'))
  set('.leaflet-control-zoom-out', gettext('Zoom out'))
  set('.leaflet-control-locate a', gettext('Show where I am'))
  set('.leaflet-control-fullscreen a, a.leaflet-fullscreen-icon', gettext('Full screen'))
}
