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
      if (!node || node.tabIndex === 0) return
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
    labels: () => [...drawn.values()].map((part) => part.label)
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

// Names never lie over one another: the more important keeps its place, the other waits for a closer view.
export function tidyLabels (map, layers) {
  const zoom = map.getZoom()
  const labels = layers.filter((layer) => map.hasLayer(layer)).flatMap((layer) => layer._areas.labels())
  labels.sort((a, b) => a.rank - b.rank)
  const taken = []
  const view = map.getContainer().getBoundingClientRect()
  const shown = []
  for (const label of labels) {
    const node = label.getElement()?.firstElementChild
    if (!node) continue
    const box = node.getBoundingClientRect()
    const visible = zoom >= label.minZoom &&
      box.right > view.left && box.left < view.right && box.bottom > view.top && box.top < view.bottom &&
      !taken.some((other) => box.left < other.right + 6 && box.right > other.left - 6 && box.top < other.bottom + 3 && box.bottom > other.top - 3)
    if (visible) taken.push(box)
    shown.push([node, visible])
  }
  for (const [node, visible] of shown) node.classList.toggle('app-label__hidden', !visible)
}
