// What the map shows now, as requests to the layer API: one line for each layer that is on, with the
// view as its bbox. The addresses are permanent: they can be kept, shared, or opened in QGIS and Excel.
import { element } from './popup.js'
import { gettext } from '../words.js'

export function joinViewData (map, layers) {
  const node = document.querySelector('[data-map-data]')
  if (!node) return
  const list = node.querySelector('[data-map-data-items]')
  const formats = JSON.parse(node.dataset.formats)
  const show = () => {
    const on = layers.filter((layer) => map.hasLayer(layer))
    const query = `bbox=${boxOf(map).join(',')}`
    list.replaceChildren(...on.map((layer) => line(layer, query, formats)))
    node.hidden = on.length === 0
  }
  map.on('moveend mapservice:switched', show)
  show()
}

function line ({ options: { title, url } }, query, formats) {
  const links = formats.flatMap(({ title: format, query: wanted, download }, place) => {
    const link = element('a', { class: 'govuk-link', href: `${url}?${query}&${wanted}` }, format,
      element('span', { class: 'govuk-visually-hidden' }, ' ', gettext('of %(layer)s in view', { layer: title })))
    link.toggleAttribute('download', download)
    return place ? [', ', link] : [link]
  })
  return element('li', {}, `${title}: `, ...links)
}

// West, south, east, north; to about a metre, outwards, so that nothing in sight is left out.
function boxOf (map) {
  const view = map.getBounds()
  const down = (n) => Math.floor(n * 1e5) / 1e5
  const up = (n) => Math.ceil(n * 1e5) / 1e5
  return [
    Math.max(down(view.getWest()), -180), Math.max(down(view.getSouth()), -90),
    Math.min(up(view.getEast()), 180), Math.min(up(view.getNorth()), 90)
  ].map((n) => n.toFixed(5))
}
