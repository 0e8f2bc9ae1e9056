// The form for a walk: everything of the map, the plugin to draw with, and what keeps what was written.
import '../map/index.js'
import '@geoman-io/leaflet-geoman-free'
import '@geoman-io/leaflet-geoman-free/dist/leaflet-geoman.css'
import '../../scss/survey-map.scss'

import { draw } from './drawing.js'
import { askNear } from './near.js'
import { offerPosition } from './photographs.js'
import { joinOutbox } from './sending.js'

// A reviewer's form has the map alone.
const form = document.querySelector('form[data-survey], form[data-outline]')
const box = form?.querySelector('[data-drawing]')
if (box) box.hidden = false

const { start } = window.mapservice
window.mapservice.start = (map, { drawing, ...options }) => {
  start(map, options)
  if (drawing && box) draw(map, form, box)
}

if (form?.matches('[data-survey]')) {
  askNear(form)
  offerPosition(form)
  joinOutbox()
}
