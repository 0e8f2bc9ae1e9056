// The panel beside the map: one tick box per layer, which is the legend at the same time.

export function joinSwitches (map, layers) {
  const boxes = new Map()
  for (const layer of layers) {
    const box = document.querySelector(`[data-layer="${layer.options.id}"]`)
    if (!box) continue
    boxes.set(layer, box)
    box.disabled = false
    box.addEventListener('change', () => {
      if (box.checked) map.addLayer(layer)
      else map.removeLayer(layer)
      map.fire('mapservice:switched')
    })
  }
  const follow = () => { for (const [layer, box] of boxes) box.checked = map.hasLayer(layer) }
  map.on('mapservice:switched', follow)
  follow()
  const panel = document.querySelector('details[data-map-panel]')
  // On a phone the map comes first and the choice is one tap away.
  if (panel && window.matchMedia('(max-width: 55.99rem)').matches) panel.open = false
}
