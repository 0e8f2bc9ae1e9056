// The map's state in the page's address, so that a view can be kept and shared:
// #map=14/51.54100/-0.10300&show=hubs,libraries

export function readAddress (map, layers) {
  const state = new URLSearchParams(window.location.hash.slice(1))
  const show = state.get('show')
  if (show !== null) {
    const wanted = show.split(',')
    for (const layer of layers) {
      if (wanted.includes(layer.options.id)) map.addLayer(layer)
      else map.removeLayer(layer)
    }
  }
  const [zoom, lat, lon] = (state.get('map') ?? '').split('/').map(Number)
  if (![zoom, lat, lon].every(Number.isFinite) || Math.abs(lat) > 85 || Math.abs(lon) > 180 || zoom < 1) return false
  map.setView([lat, lon], Math.min(zoom, 19), { animate: false })
  return true
}

export function writeAddress (map, layers) {
  const share = document.querySelector('[data-map-share]')
  const write = () => {
    const { lat, lng } = map.getCenter()
    const show = layers.filter((layer) => map.hasLayer(layer)).map((layer) => layer.options.id)
    const hash = `#map=${map.getZoom()}/${lat.toFixed(5)}/${lng.toFixed(5)}&show=${show.join(',')}`
    window.history.replaceState(window.history.state, '', hash)
    if (share) share.querySelector('[data-map-address]').textContent = window.location.href
  }
  if (share) {
    write()
    share.hidden = false
  }
  map.on('moveend mapservice:switched', write)
  window.addEventListener('hashchange', () => {
    readAddress(map, layers)
    map.fire('mapservice:switched')
  })
}
