// What is in view, as a list beside the map: the same places, nearest to the middle first.
import L from 'leaflet'

import { describe, isArea, pointOf } from './facts.js'
import { element } from './popup.js'
import { gettext, ngettext } from '../words.js'

const MOST = 24

export class ViewList {
  constructor (node, map, reveal) {
    this.node = node
    this.map = map
    this.reveal = reveal
    this.summary = node.querySelector('[data-map-list-summary]')
    this.items = node.querySelector('[data-map-list-items]')
    node.hidden = false
  }

  show (entries) {
    const view = this.map.getBounds()
    const middle = this.map.getCenter()
    const found = []
    for (const entry of entries.values()) {
      if (entry.layers.every((layer) => layer.options.boundary)) continue
      const point = placeOf(entry.feature)
      if (point && view.contains(point)) found.push({ entry, metres: middle.distanceTo(point) })
    }
    found.sort((a, b) => a.metres - b.metres)
    const key = found.map(({ entry }) => entry.id).join(' ')
    if (key === this.key) return
    this.key = key
    const count = found.length
    this.say(count === 0
      ? gettext('Nothing that is switched on lies in this view. Zoom out, or choose more to show.')
      : count > MOST
        ? ngettext('%(count)s place in view: the %(most)s nearest the middle are listed.', '%(count)s places in view: the %(most)s nearest the middle are listed.', count, { most: MOST })
        : ngettext('%(count)s place in view.', '%(count)s places in view.', count))
    this.items.replaceChildren(...found.slice(0, MOST).map(({ entry }) => this.item(entry)))
  }

  // Spoken once the map has come to rest, so that a screen reader is not talked over.
  say (text) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => { this.summary.textContent = text }, 600)
  }

  item (entry) {
    const facts = describe(entry.feature, entry.layers)
    const symbol = element('span', { class: 'app-symbol', 'aria-hidden': 'true' })
    symbol.innerHTML = entry.layers[0].options.symbol // our own server's drawing, the same for each place
    const show = element('button', { type: 'button', class: 'app-link-button' }, gettext('Show on map'),
      element('span', { class: 'govuk-visually-hidden' }, `: ${facts.name}`))
    show.addEventListener('click', () => {
      this.map.getContainer().scrollIntoView({ block: 'nearest' })
      this.reveal(entry.id)
    })
    const name = facts.page ? element('a', { class: 'govuk-link', href: facts.page }, facts.name) : facts.name
    return element('li', { class: 'app-view__item' }, symbol,
      element('div', {}, element('p', { class: 'app-view__name' }, name),
        element('p', { class: 'app-view__kind' }, facts.kind), show))
  }
}

function placeOf (feature) {
  const point = pointOf(feature)
  if (point) return L.latLng(point)
  return isArea(feature) ? L.geoJSON(feature).getBounds().getCenter() : null
}
