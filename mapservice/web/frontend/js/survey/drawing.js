// Where a space is, on the map: a point, an outline drawn corner by corner or walked around, its entrances.
// The buttons are written here, so that none shows without a script, and stand beside the map with words on them.
import L from 'leaflet'

import { gettext, ngettext } from '../words.js'
import { crossing, distance, simplified, squareMetres } from './shapes.js'

const TENNIS_COURT_M2 = 23.77 * 10.97 // a doubles court within its lines
const STEP_M = 3 // a walk gets a corner when one has gone so far
const ROUGH_M = 30 // a position worse than this is not walked by
const STRAY_M = 1.5
const PAST_M = 15
const EDITING = { allowSelfIntersection: true, snappable: false }
const LINE = { color: '#0b0c0c', weight: 3, fillColor: '#1d6b34', fillOpacity: 0.25 }

export function draw (map, form, box) {
  const fields = form.elements
  const shown = L.layerGroup().addTo(map)
  const state = read(fields)
  const before = [] // what undo goes back to
  const said = box.querySelector('[data-drawing-said]')
  let mode = ''
  let line = null // the outline while it is being drawn
  let walk = null
  let outline = null // as it is shown, with corners to drag

  map.pm.setGlobalOptions({ snappable: false, allowSelfIntersection: true, tooltips: false, markerStyle: { icon: dot('app-corner') } })
  map.pm.setPathOptions(LINE)

  const buttons = {}
  const bar = box.querySelector('[data-drawing-bar]')
  const button = (name, text, act, main = false) => {
    const node = document.createElement('button')
    node.type = 'button'
    node.className = `govuk-button ${main ? '' : 'govuk-button--secondary'} app-drawing__button`
    node.textContent = text
    node.addEventListener('click', act)
    buttons[name] = node
    bar.append(node)
  }
  button('here', gettext('I am there'), here)
  button('point', gettext('Tap the spot'), () => begin('point'))
  button('outline', gettext('Draw the outline'), () => begin('outline'))
  button('walk', gettext('Walk around it'), walkAround)
  button('entrance', gettext('Add an entrance'), () => begin('entrance'))
  button('done', gettext('Finish'), finish, true)
  button('undo', gettext('Undo'), undo)
  button('clear', gettext('Start again'), clear)

  // The corners are for fingers; for a keyboard there is the field below the map.
  map.on('layeradd', ({ layer }) => {
    const node = layer.getElement?.()
    if (!node?.classList.contains('marker-icon')) return
    node.setAttribute('aria-hidden', 'true')
    node.removeAttribute('role')
    node.tabIndex = -1
  })
  map.on('click', ({ latlng }) => {
    if (mode === 'point') change({ ring: null, point: position(latlng) })
    else if (mode === 'entrance') change({ entrances: [...state.entrances, position(latlng)] })
    if (mode === 'point' || mode === 'entrance') begin('')
  })
  map.on('pm:drawstart', ({ workingLayer }) => {
    line = workingLayer
    workingLayer.on('pm:vertexadded pm:change', () => { tell(corners(line)); offer() })
  })
  map.on('pm:create', ({ layer }) => {
    layer.remove()
    line = null
    mode = ''
    change({ point: null, ring: corners(layer) })
  })
  map.on('pm:drawend', () => { line = null; if (mode === 'outline') mode = ''; offer() })

  function begin (wanted) {
    map.pm.disableDraw()
    mode = wanted
    // The handles of an outline would catch the tap for an entrance, which is mostly on its edge.
    if (wanted) outline?.pm.disable()
    else outline?.pm.enable(EDITING)
    if (wanted === 'outline') map.pm.enableDraw('Polygon', { finishOn: 'dblclick', cursorMarker: false, hintlineStyle: LINE, templineStyle: LINE })
    const what = {
      point: gettext('Tap the map where it is.'),
      outline: gettext('Tap each corner, going round the edge in one direction. Then press Finish.'),
      entrance: gettext('Tap the map where one can get in.')
    }[wanted]
    if (what) say(what)
    offer()
  }

  // Whether it is finished: what crosses itself stays open, to be put right.
  function finish () {
    const ring = walk ? walked() : corners(line)
    if (ring.length < 3) say(gettext('An outline needs three corners at least.'), true)
    else if (crossing(ring)) say(crossed(), true)
    else if (walk) {
      stopWalk()
      change({ point: null, ring })
      return true
    } else {
      map.pm.Draw.Polygon._finishShape()
      return true
    }
    return false
  }

  // Of a walk round and a little past where it began, the end is left out.
  function walked () {
    const ring = simplified(walk.went, STRAY_M)
    while (ring.length > 3 && crossing(ring) && distance(ring[ring.length - 1], ring[0]) < PAST_M) ring.pop()
    return ring
  }

  function crossed () {
    return walk
      ? gettext('The line you walked crosses itself. Press Undo until it no longer does, and walk on from there; or start again.')
      : gettext('The outline crosses itself. Press Undo until it no longer does, and go round the edge in one direction.')
  }

  function undo () {
    if (walk) {
      walk.went.pop()
      walk.trace.setLatLngs(walk.went.map(([x, y]) => [y, x]))
      tell(walk.went, gettext('Walk round the edge, back to where you began. Then press Finish.'))
    } else if (line) {
      if (corners(line).length > 1) map.pm.Draw.Polygon._removeLastVertex()
      else begin('')
      if (line) tell(corners(line))
    } else if (before.length) {
      Object.assign(state, before.pop())
      show()
    }
    offer()
  }

  function clear () {
    if (walk) stopWalk()
    begin('')
    change({ point: null, ring: null, entrances: [] })
    say('')
  }

  function here () {
    say(gettext('Finding where you are…'))
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      const at = [coords.longitude, coords.latitude]
      map.setView([coords.latitude, coords.longitude], 18, { animate: false })
      change({ point: at, ring: null })
      say(ngettext('You are here, to within %(count)s metre. Drag the point if it is not right.', 'You are here, to within %(count)s metres. Drag the point if it is not right.', Math.max(1, Math.round(coords.accuracy))))
    }, nowhere, { enableHighAccuracy: true, maximumAge: 10000, timeout: 20000 })
  }

  function walkAround () {
    begin('')
    const trace = L.polyline([], LINE).addTo(map)
    const went = []
    const watch = navigator.geolocation.watchPosition(({ coords }) => {
      const at = [coords.longitude, coords.latitude]
      if (coords.accuracy > ROUGH_M) {
        say(gettext('Your position is only known to within %(count)s metres. Wait under the open sky.', { count: Math.round(coords.accuracy) }))
        return
      }
      if (went.length && distance(went[went.length - 1], at) < STEP_M) return
      went.push(at)
      trace.addLatLng([at[1], at[0]])
      map.setView([at[1], at[0]], Math.max(map.getZoom(), 18), { animate: false })
      tell(went, gettext('Walk round the edge, back to where you began. Then press Finish.'))
      offer()
    }, (error) => {
      // Under trees and bridges a position comes and goes: only a no is a no.
      if (error.code === error.PERMISSION_DENIED) nowhere()
      else say(gettext('Waiting for your position…'))
    }, { enableHighAccuracy: true, maximumAge: 0 })
    walk = { trace, went, watch }
    say(gettext('Walk round the edge, back to where you began. Then press Finish.'))
    offer()
  }

  function stopWalk () {
    const { trace, watch } = walk
    walk = null
    navigator.geolocation.clearWatch(watch)
    trace.remove()
    offer()
  }

  function nowhere () {
    if (walk) stopWalk()
    say(gettext('Your phone or computer did not share where you are. Tap the map, or type a postcode below.'))
  }

  function change (changes) {
    before.push({ ...state })
    Object.assign(state, changes)
    show()
  }

  // Draws what there is, writes it into the form, and has it looked at.
  function show () {
    shown.clearLayers()
    outline = null
    if (state.ring) {
      outline = L.polygon(state.ring.map(([x, y]) => [y, x]), LINE).addTo(shown)
      outline.pm.enable(EDITING)
      outline.on('pm:edit', () => change({ ring: corners(outline) }))
    }
    if (state.point) place(state.point, 'app-spot', gettext('The spot'), (at) => change({ point: at }))
    state.entrances.forEach((entrance, i) => {
      place(entrance, 'app-entrance', gettext('Entrance %(number)s', { number: i + 1 }), (at) => {
        change({ entrances: state.entrances.map((one, j) => i === j ? at : one) })
      })
    })
    write(fields, state)
    form.dispatchEvent(new CustomEvent('survey:drawn'))
    tell(state.ring ?? [])
    offer()
    look()
  }

  function place (at, look, title, moved) {
    const marker = L.marker([at[1], at[0]], { icon: dot(look), title, alt: title, draggable: true, pmIgnore: true }).addTo(shown)
    marker.on('dragend', () => moved(position(marker.getLatLng())))
  }

  // What can be said without asking the server, so also without signal.
  function tell (ring, otherwise = '') {
    if (ring.length < 3) return say(otherwise || (state.point ? gettext('The spot is on the map.') : ''))
    if (!walk && crossing(ring)) return say(crossed(), true)
    const area = squareMetres(ring)
    say(size(area))
  }

  let looking = 0
  async function look () {
    if (!fields.geometry.value || (state.ring && crossing(state.ring))) return
    const mine = looking += 1
    try {
      const body = JSON.stringify({ geometry: JSON.parse(fields.geometry.value), entrances: state.entrances })
      const response = await fetch('/green-spaces/check', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
      if (!response.ok || mine !== looking) return
      const found = await response.json()
      if (mine !== looking || mode || walk) return
      if (found.problems.length) return say(found.problems.join('. '), true)
      const words = [found.area_m2 ? size(found.area_m2) : gettext('The spot is in the borough.'), ...found.notes]
      for (const other of found.overlaps) {
        words.push(gettext('%(share)s %% of it is part of “%(name)s”, which is on the map already.', { share: Math.round(other.share * 100), name: other.name }).replace('%%', '%'))
      }
      say(words.join(' '))
    } catch {
      // Without signal the server looks at it when it is sent.
    }
  }

  function size (area) {
    const courts = (area / TENNIS_COURT_M2).toFixed(area < 10 * TENNIS_COURT_M2 ? 1 : 0)
    return gettext('%(area)s m²: as large as %(courts)s tennis courts.', { area: Math.round(area).toLocaleString('en-GB'), courts })
  }

  function say (text, wrong = false) {
    said.textContent = text
    said.classList.toggle('app-drawing__said--wrong', wrong)
  }

  function offer () {
    const busy = Boolean(line || walk)
    const any = Boolean(state.point || state.ring || state.entrances.length)
    for (const name of ['here', 'point', 'outline', 'walk', 'entrance']) buttons[name].hidden = busy
    buttons.here.hidden ||= !navigator.geolocation
    buttons.walk.hidden ||= !navigator.geolocation
    buttons.entrance.hidden ||= !(state.point || state.ring)
    buttons.done.hidden = !busy
    buttons.undo.hidden = walk ? !walk.went.length : !(line || before.length)
    buttons.clear.hidden = !(busy || any)
  }

  // What is still being drawn is finished before it is sent; what crosses itself is not sent.
  form.addEventListener('submit', (event) => {
    const open = walk || (line && corners(line).length)
    const { ring } = read(fields) // a reviewer may have typed it
    const wrong = !open && ring && crossing(ring)
    if (wrong) say(crossed(), true)
    if (open ? finish() : !wrong) return
    event.preventDefault()
    event.stopImmediatePropagation()
    box.scrollIntoView({ block: 'start' })
  }, { capture: true })
  form.addEventListener('survey:at', ({ detail }) => {
    begin('')
    change({ point: detail, ring: null })
    frame()
  })
  form.addEventListener('survey:named', ({ detail: [x, y] }) => map.setView([y, x], 17, { animate: false }))
  form.addEventListener('survey:filled', () => {
    Object.assign(state, read(fields))
    before.length = 0
    show()
    frame()
  })
  const frame = () => {
    const places = [...(state.ring ?? []), ...(state.point ? [state.point] : [])].map(([x, y]) => [y, x])
    if (places.length) map.fitBounds(L.latLngBounds(places), { maxZoom: 18, animate: false })
  }
  if (fields.geometry.value) {
    show()
    frame()
  } else offer()
}

function read (fields) {
  const state = { point: null, ring: null, entrances: [] }
  try {
    const { type, coordinates } = JSON.parse(fields.geometry.value)
    if (type === 'Point') state.point = coordinates
    else state.ring = coordinates[0].slice(0, -1)
    state.entrances = JSON.parse(fields.entrances.value || '[]')
  } catch {
    // Nothing was drawn yet.
  }
  return state
}

function write (fields, { point, ring, entrances }) {
  const geometry = ring ? { type: 'Polygon', coordinates: [[...ring, ring[0]]] } : point && { type: 'Point', coordinates: point }
  fields.geometry.value = geometry ? JSON.stringify(geometry) : ''
  fields.entrances.value = geometry && entrances.length ? JSON.stringify(entrances) : ''
}

function corners (layer) {
  return layer.getLatLngs().flat(2).map(position)
}

function position ({ lat, lng }) {
  return [Number(lng.toFixed(7)), Number(lat.toFixed(7))]
}

function dot (look) {
  return L.divIcon({ className: `app-dot ${look}`, iconSize: [26, 26] })
}
