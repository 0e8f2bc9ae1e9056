// What the map says about a feature, read from its GeoJSON properties.
import { gettext } from '../words.js'

// The register's own words for who may go in and how far a space has come.
const access = () => ({
  'open-to-all': gettext('Access: open to all'),
  'restricted-hours': gettext('Access: restricted hours'),
  'members-or-residents': gettext('Access: members or residents'),
  'no-access': gettext('Access: no access')
})
const stages = () => ({
  suggested: gettext('Stage: suggested'),
  'checked-on-site': gettext('Stage: checked on site'),
  'owner-contacted': gettext('Stage: owner contacted'),
  plan: gettext('Stage: plan'),
  declined: gettext('Stage: declined')
})

export function nameOf (feature) {
  return feature.properties.name ?? String(feature.id)
}

export function pointOf (feature) {
  const geometry = feature.geometry
  return geometry?.type === 'Point' ? [geometry.coordinates[1], geometry.coordinates[0]] : null
}

export function isArea (feature) {
  return /Polygon$/.test(feature.geometry?.type ?? '')
}

export function pageOf (feature, layer) {
  return layer.options.page ? layer.options.page + encodeURIComponent(feature.id) : null
}

// "open-to-all" as people write it; the register's words are made to be read.
export function words (code) {
  if (!code) return ''
  const text = code.replace(/-/g, ' ')
  return text[0].toUpperCase() + text.slice(1)
}

// What kind of thing it is: the place's own word for it, or else the title of its layer.
export function kindOf (feature, layers) {
  const p = feature.properties
  const typed = p.type && !['unknown', 'other'].includes(p.type) ? words(p.type) : null
  return p.kind ?? typed ?? layers[0].options.title.replace(/s$/, '')
}

export function describe (feature, layers) {
  const p = feature.properties
  const place = layers.some((layer) => !layer.options.area)
  return {
    name: nameOf(feature),
    kind: kindOf(feature, layers),
    address: [p.address, p.postcode].filter(Boolean).join(', '),
    place,
    phone: p.phone ?? '',
    hours: p.opening_hours ?? '',
    note: p.opening_note ?? '',
    access: place ? '' : access()[p.access] ?? gettext('Access: not known'),
    stage: p.stage ? stages()[p.stage] ?? words(p.stage) : '',
    demonstration: p.demonstration === true,
    unchecked: p.verified === false,
    page: layers.map((layer) => pageOf(feature, layer)).find(Boolean)
  }
}
