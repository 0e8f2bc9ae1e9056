// The outlines of one layer: areas that open a card (green spaces) and boundaries that only orient
// (wards, localities), each with its name where there is room for it.
import L from 'leaflet'

import { isArea, kindOf, nameOf } from './facts.js'
import { openCard } from './popup.js'

const LARGE = 2800 // metres across: an outline this wide is drawn heavier and named from further out

export function addAreas (layer, map) {
  const { colour, boundary, dashed, id, quiet } = layer.options
  const pane = paneFor(map, boundary)
  const paths = L.layerGroup().addTo(map)
  const labels = L.layerGroup().addTo(map)
  const drawn = new Map()

  function draw () {
    for (const [key, part] of drawn) {
      if (layer.features.get(key) === part.feature) continue
      paths.removeLayer(part.path)
      labels.removeLayer(part.label)
      drawn.delete(key)
    }
    for (const [key, feature] of layer.features) {
      if (!drawn.has(key) && isArea(feature)) drawn.set(key, add(feature))
    }
    map.fire('mapservice:labels')
  }

  function add (feature) {
    const latlngs = L.GeoJSON.coordsToLatLngs(feature.geometry.coordinates, feature.geometry.type === 'Polygon' ? 1 : 2)
    const large = L.latLngBounds(latlngs.flat(3))
    const wide = large.getSouthWest().distanceTo(large.getNorthEast()) > LARGE
    const path = L.polygon(latlngs, {
      pane,
      color: colour,
      interactive: !boundary && !quiet,
      className: boundary ? 'app-boundary' : 'app-area-path',
      weight: boundary && wide ? 4 : 2,
      opacity: boundary ? 0.8 : 1,
      dashArray: dashed ? '6 5' : null,
      fill: !boundary,
      fillOpacity: dashed ? 0.15 : 0.3
    })
    if (!boundary && !quiet) makeOpenable(path, feature)
    paths.addLayer(path)
    const label = L.marker(centre(latlngs, map), {
      pane: 'labels',
      interactive: false,
      keyboard: false,
      icon: L.divIcon({ className: `app-label app-label--${boundary ? 'boundary' : 'area'} app-label--${id}`, iconSize: [0, 0], html: labelText(feature, colour) })
    })
    label.rank = boundary ? (wide ? 0 : 1) : 2
    label.minZoom = boundary ? (wide ? 10 : 13) : 15
    labels.addLayer(label)
    return { feature, path, label }
  }

  function makeOpenable (path, feature) {
    const name = nameOf(feature)
    const open = (place) => openCard(map, place, feature, [layer], path.getElement())
    path.on('click', (event) => open(event.latlng))
    path.on('add', () => {
      const node = path.getElement()
      if (!node || node.hasAttribute('role')) return
      node.setAttribute('tabindex', '0')
      node.setAttribute('role', 'button')
      node.setAttribute('aria-label', `${name}, ${kindOf(feature, [layer])}`)
      node.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        open(path.getBounds().getCenter())
      })
    })
  }

  return {
    draw,
    remove () {
      paths.remove()
      labels.remove()
      drawn.clear()
    },
    show (key) {
      const part = drawn.get(key)
      if (!part) return false
      map.fitBounds(part.path.getBounds(), { maxZoom: 17, padding: [30, 30] })
      openCard(map, part.path.getBounds().getCenter(), part.feature, [layer], null)
      return true
    },
    labels: () => [...drawn.values()].map((part) => part.label),
    // Leaflet keeps what lies beyond the edge, cut off or empty: nobody should come upon it with the keyboard.
    keepReachable () {
      const view = map.getContainer().getBoundingClientRect()
      for (const { path } of drawn.values()) {
        const node = path.getElement()
        if (!node?.hasAttribute('role')) continue
        const seen = node.getAttribute('d') !== 'M0 0' && meets(node.getBoundingClientRect(), view)
        node.setAttribute('tabindex', seen ? '0' : '-1')
        if (seen) node.removeAttribute('aria-hidden')
        else node.setAttribute('aria-hidden', 'true')
      }
    }
  }
}

function labelText (feature, colour) {
  const text = document.createElement('span')
  text.setAttribute('aria-hidden', 'true')
  text.textContent = nameOf(feature)
  text.style.color = colour
  return text
}

function paneFor (map, boundary) {
  if (!map.getPane('boundaries')) {
    map.createPane('areas').style.zIndex = 390
    map.createPane('boundaries').style.zIndex = 395
    map.createPane('labels').style.zIndex = 640
    map.getPane('labels').style.pointerEvents = 'none'
    map.getPane('boundaries').style.pointerEvents = 'none'
  }
  return boundary ? 'boundaries' : 'areas'
}

// The middle of the largest part of an area.
function centre (latlngs, map) {
  const rings = Array.isArray(latlngs[0][0]) ? latlngs.map((part) => part[0]) : [latlngs[0]]
  const size = (ring) => {
    const box = L.latLngBounds(ring)
    return (box.getEast() - box.getWest()) * (box.getNorth() - box.getSouth())
  }
  const largest = rings.reduce((best, ring) => (size(ring) > size(best) ? ring : best))
  return L.PolyUtil.polygonCenter(largest, map.options.crs)
}

// Names never lie over one another: the more important keeps its place, the other waits for a closer
// view. A name steps aside for the symbols of places where it can.
const STEPS = [0, -26, 26, -44, 44]

export function tidyLabels (map, layers) {
  const zoom = map.getZoom()
  const labels = layers.filter((layer) => map.hasLayer(layer)).flatMap((layer) => layer._areas.labels())
  labels.sort((a, b) => a.rank - b.rank)
  const container = map.getContainer()
  const view = container.getBoundingClientRect()
  const symbols = [...container.querySelectorAll('.app-marker, .app-cluster')].map((node) => node.getBoundingClientRect())
  const taken = []
  const measured = labels.map((label) => [label, label.getElement()?.firstElementChild]).filter(([, node]) => node)
    .map(([label, node]) => ({ label, node, box: home(node) }))
  for (const { label, node, box } of measured) {
    const step = zoom >= label.minZoom && meets(box, view) ? room(box, taken, symbols, label.rank < 2) : null
    node.classList.toggle('app-label__hidden', step === null)
    if (step === null) continue
    node.style.top = `${step}px`
    taken.push(moved(box, step))
  }
}

// Where the name stands when it has not stepped aside.
function home (node) {
  const box = node.getBoundingClientRect()
  return moved(box, -(parseFloat(node.style.top) || 0))
}

function room (box, taken, symbols, important) {
  const free = STEPS.filter((step) => !taken.some((other) => meets(moved(box, step), other, 6, 3)))
  const clear = free.find((step) => !symbols.some((other) => meets(moved(box, step), other)))
  return clear ?? (important && free.includes(0) ? 0 : null)
}

function moved (box, step) {
  return { left: box.left, right: box.right, top: box.top + step, bottom: box.bottom + step }
}

function meets (a, b, sideways = 0, upright = 0) {
  return a.left < b.right + sideways && a.right > b.left - sideways && a.top < b.bottom + upright && a.bottom > b.top - upright
}
