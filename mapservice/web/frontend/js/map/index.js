// The map's one script: Leaflet and its plugins, and what Folium's generated script calls.
import L from 'leaflet'
import 'leaflet.markercluster'
import 'leaflet.fullscreen'
import { LocateControl } from 'leaflet.locatecontrol/dist/L.Control.Locate.esm.js'

import 'leaflet/dist/leaflet.css'
import 'leaflet.markercluster/dist/MarkerCluster.css'
import 'leaflet.fullscreen/Control.FullScreen.css'
import 'leaflet.locatecontrol/dist/L.Control.Locate.css'
import '../../scss/map.scss'

import { clusterIcon } from './board.js'
import { ServerLayer } from './server-layer.js'
import { start } from './start.js'
import { gettext } from '../words.js'

window.L = L
L.control.locate = (options) => new LocateControl(options)
// The plugin's own answer to "no position" is an alert box; ours is a line beside the map.
const say = (control, text) => control._map.fire('mapservice:say', { text })
L.setOptions(LocateControl.prototype, {
  onLocationError: (error, control) => say(control, gettext('Your phone or computer did not share where you are. Type your postcode in the search box instead.')),
  onLocationOutsideMapBounds: (control) => say(control, gettext('You seem to be outside the area this map covers.'))
})

window.mapservice = {
  layer: (options) => new ServerLayer(options),
  clusterIcon,
  start
}
