// One layer of the catalogue on the map. It asks the server for what is in view as the map moves,
// keeps what it has, and never asks twice for the same ground.
import L from 'leaflet'

import { addAreas } from './areas.js'

const STEP = 0.01 // degrees: requests snap to this grid, so that small moves share an address
const KEEP = 4000 // features kept before those out of sight are let go

export const ServerLayer = L.Layer.extend({
  options: { pageSize: 500, cap: 2000, padding: 0.25, debounce: 250 },

  initialize (options) {
    L.setOptions(this, options)
    this.features = new Map()
    this.status = 'idle' // idle, loading, error
    this.truncated = false
  },

  onAdd (map) {
    this._areas = addAreas(this, map)
    map.on('moveend', this._later, this)
    this._later(0)
    this.fire('change')
  },

  onRemove (map) {
    map.off('moveend', this._later, this)
    clearTimeout(this._timer)
    this._abort?.abort()
    this._abort = null
    this._areas.remove()
    this.status = 'idle'
    this.fire('change')
  },

  retry () {
    if (this._map) this._refresh()
  },

  _later (delay) {
    clearTimeout(this._timer)
    this._timer = setTimeout(() => this._refresh(), typeof delay === 'number' ? delay : this.options.debounce)
  },

  async _refresh () {
    if (!this._map) return
    const view = this._map.getBounds()
    if (this._covered?.contains(view)) return
    const bounds = snap(view.pad(this.options.padding))
    this._abort?.abort()
    const abort = this._abort = new AbortController()
    this._tell('loading')
    try {
      const complete = await this._fetch(bounds, abort.signal)
      if (abort !== this._abort) return
      this.truncated = !complete
      this._covered = complete ? wider(this._covered, bounds) : null
      this._forget(bounds)
      this._tell('idle')
    } catch (error) {
      if (error.name === 'AbortError' || abort !== this._abort) return
      this._tell('error')
    }
  },

  // True when everything in the bounds came; false when the cap stopped it.
  async _fetch (bounds, signal) {
    const bbox = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()]
    let address = `${this.options.url}?bbox=${bbox.map((n) => n.toFixed(2)).join(',')}&limit=${this.options.pageSize}`
    let count = 0
    while (address) {
      const response = await fetch(address, { signal, headers: { Accept: 'application/geo+json' } })
      if (!response.ok) throw new Error(`The server answered ${response.status}`)
      const page = await response.json()
      for (const feature of page.features) this.features.set(feature.id, feature)
      count += page.features.length
      const next = page.links?.find((link) => link.rel === 'next')
      this._draw()
      if (!next) return true
      if (count >= this.options.cap) return false
      // The link may carry a public name; the request stays on the address the page came from.
      const url = new URL(next.href, window.location.href)
      address = url.pathname + url.search
    }
    return true
  },

  _draw () {
    if (!this._map) return
    this._areas.draw()
    this.fire('change')
  },

  _forget (bounds) {
    if (this.features.size <= KEEP) return
    for (const [id, feature] of this.features) {
      if (!L.geoJSON(feature).getBounds().intersects(bounds)) this.features.delete(id)
    }
    this._covered = this._covered && bounds
    this._draw()
  },

  _tell (status) {
    this.status = status
    this.fire('change')
  }
})

function snap (bounds) {
  const down = (n) => Math.floor(n / STEP) * STEP
  const up = (n) => Math.ceil(n / STEP) * STEP
  return L.latLngBounds([down(bounds.getSouth()), down(bounds.getWest())], [up(bounds.getNorth()), up(bounds.getEast())])
}

function wider (old, fresh) {
  return old?.contains(fresh) ? old : fresh
}
