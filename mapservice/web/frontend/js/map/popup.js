// The card that opens on a marker or an area. Built as elements, never as text with markup in it, so
// that nothing in a name can become part of the page.
import L from 'leaflet'

import { describe } from './facts.js'
import { gettext } from '../words.js'

export function element (tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value)
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ''))
  return node
}

export function card (feature, layers) {
  const facts = describe(feature, layers)
  const box = element('div', { class: 'app-card' })
  box.append(element('h2', { class: 'app-card__name' }, facts.name))
  box.append(element('p', { class: 'app-card__kind' }, facts.kind))
  if (facts.demonstration) box.append(element('p', {}, element('strong', { class: 'govuk-tag govuk-tag--yellow' }, gettext('Demonstration, not real'))))
  for (const line of [facts.address, facts.stage, facts.access]) if (line) box.append(element('p', {}, line))
  if (facts.place) {
    box.append(facts.phone
      ? element('p', {}, gettext('Phone:'), ' ', element('a', { class: 'app-phone', href: `tel:${facts.phone.replace(/[^\d+]/g, '')}` }, facts.phone))
      : element('p', { class: 'app-unknown' }, gettext('Phone: not known')))
    box.append(hoursOf(facts))
  }
  if (facts.unchecked && !facts.demonstration) {
    box.append(element('p', { class: 'app-unknown' }, facts.place ? gettext('Not confirmed yet: check before you go.') : gettext('Not confirmed yet.')))
  }
  if (facts.page) {
    box.append(element('p', {}, element('a', { class: 'govuk-link', href: facts.page }, gettext('More about this place'),
      element('span', { class: 'govuk-visually-hidden' }, `: ${facts.name}`))))
  }
  return box
}

const days = () => ({
  Mo: gettext('Monday'),
  Tu: gettext('Tuesday'),
  We: gettext('Wednesday'),
  Th: gettext('Thursday'),
  Fr: gettext('Friday'),
  Sa: gettext('Saturday'),
  Su: gettext('Sunday'),
  PH: gettext('Bank holidays')
})

// "Mo 09:30-20:00; We 09:30-17:00" as a line for each day; unknown is said as such.
function hoursOf (facts) {
  if (!facts.hours) return element('p', {}, facts.note || gettext('Opening hours: not known, call first'))
  const names = days()
  const span = (first, last) => gettext('%(first)s to %(last)s', { first, last })
  const lines = facts.hours.split(/;\s*/).map((rule) => element('li', {}, rule
    .replace(/\b(Mo|Tu|We|Th|Fr|Sa|Su|PH)-(Mo|Tu|We|Th|Fr|Sa|Su|PH)\b/g, (_, first, last) => span(first, last))
    .replace(/(\d\d):(\d\d)-(\d\d):(\d\d)/g, (_, h, m, toH, toM) => span(clock(h, m), clock(toH, toM)))
    .replace(/\b(Mo|Tu|We|Th|Fr|Sa|Su|PH)\b/g, (day) => names[day])))
  return element('div', {}, element('p', {}, gettext('Open:')), element('ul', { class: 'app-card__hours' }, ...lines),
    facts.note && element('p', {}, facts.note))
}

function clock (hour, minute) {
  const [h, m] = [Number(hour) % 24, Number(minute)]
  if (!m && h % 12 === 0) return h ? gettext('noon') : gettext('midnight')
  const time = `${h % 12 || 12}${m ? `:${minute}` : ''}`
  return h < 12 ? gettext('%(time)sam', { time }) : gettext('%(time)spm', { time })
}

export function openCard (map, place, feature, layers, opener) {
  const content = card(feature, layers)
  const byKeyboard = opener?.matches?.(':focus-visible')
  const popup = L.popup({ maxWidth: 300, minWidth: 200, autoPanPadding: [20, 20] }).setLatLng(place).setContent(content)
  popup.once('remove', () => { if (byKeyboard && opener.isConnected) opener.focus() })
  popup.openOn(map)
  const frame = popup.getElement()
  frame.setAttribute('role', 'dialog')
  frame.setAttribute('aria-label', content.querySelector('h2').textContent)
  frame.querySelector('.leaflet-popup-close-button')?.setAttribute('aria-label', gettext('Close'))
  if (byKeyboard) {
    frame.tabIndex = -1
    frame.focus()
  }
  return popup
}
