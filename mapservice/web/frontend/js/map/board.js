// All points of all layers that are on, in one set of clusters. A place that is in several layers
// (a library that is also a hub) is one marker, drawn as the layer that comes first in the catalogue.
import L from 'leaflet'

import { kindOf, nameOf, pointOf } from './facts.js'
import { openCard } from './popup.js'
import { ngettext } from '../words.js'

// A cluster makes itself a new node whenever its places change, so its name is made with the node.
const ClusterIcon = L.DivIcon.extend({
  createIcon (old) {
    const node = L.DivIcon.prototype.createIcon.call(this, old)
    node.setAttribute('aria-label', ngettext('%(count)s place: zoom in', '%(count)s places close together: zoom in', this.options.count))
    return node
  }
})

export function clusterIcon (cluster) {
  const count = cluster.getChildCount()
  return new ClusterIcon({ count, html: `<span>${count}</span>`, className: 'app-cluster', iconSize: [36, 36] })
}

export class Board {
  constructor (map, clusters, layers) {
    this.map = map
    this.clusters = clusters.addTo(map)
    this.layers = layers
    this.markers = new Map()
    clusters.on('clusterclick clusterkeypress', () => map.closePopup())
  }

  // Feature id to the feature and the layers it is in, of the layers that are on.
  entries () {
    const entries = new Map()
    for (const layer of this.layers) {
      if (!this.map.hasLayer(layer)) continue
      for (const [id, feature] of layer.features) {
        const entry = entries.get(id)
        if (entry) entry.layers.push(layer)
        else entries.set(id, { id, feature, layers: [layer] })
      }
    }
    return entries
  }

  redraw (entries) {
    const gone = []
    for (const [id, { marker, key }] of this.markers) {
      const entry = entries.get(id)
      if (!entry || keyOf(entry) !== key) {
        gone.push(marker)
        this.markers.delete(id)
      }
    }
    const fresh = []
    for (const entry of entries.values()) {
      const point = pointOf(entry.feature)
      if (!point || this.markers.has(entry.id)) continue
      const marker = this.marker(entry, point)
      this.markers.set(entry.id, { marker, key: keyOf(entry) })
      fresh.push(marker)
    }
    if (gone.length) this.clusters.removeLayers(gone)
    if (fresh.length) this.clusters.addLayers(fresh)
  }

  marker (entry, point) {
    const { symbol } = entry.layers[0].options
    const kind = kindOf(entry.feature, entry.layers)
    const name = nameOf(entry.feature)
    const marker = L.marker(point, {
      icon: L.divIcon({ html: symbol, className: 'app-marker', iconSize: [34, 34] }),
      title: name,
      riseOnHover: true
    })
    marker.on('add', () => {
      const node = marker.getElement()
      node?.setAttribute('aria-label', `${name}, ${kind}`)
    })
    marker.on('click keypress', (event) => {
      if (event.type === 'keypress' && event.originalEvent.key !== 'Enter') return
      openCard(this.map, marker.getLatLng(), entry.feature, entry.layers, marker.getElement())
    })
    return marker
  }

  // Bring one place into sight, out of its cluster, with its card open.
  show (id) {
    const found = this.markers.get(id)
    if (!found) return false
    this.clusters.zoomToShowLayer(found.marker, () => found.marker.fire('click'))
    return true
  }
}

function keyOf (entry) {
  return entry.layers.map((layer) => layer.options.id).join(' ')
}
