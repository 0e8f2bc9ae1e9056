// What waits on this device, of every kind, and what was sent from it: the one list, on every page that writes.
import { who } from '../who.js'
import { gettext, ngettext } from '../words.js'
import { action, element, link } from './elements.js'
import { forget, forgetSent, keep, sendAll, sentBefore, SYNC, waiting, waitsFor } from './outbox.js'

const AGAIN_MS = 60 * 1000

// `refill` puts an entry back into its form, where that is on this page; `open` are the ids that stand in forms.
export function listWaiting (place, { refill = () => false, open = () => [] } = {}) {
  let shown
  place.setAttribute('aria-live', 'polite')

  async function show (said = '') {
    const [all, every] = await Promise.all([waiting(), sentBefore()])
    const entries = all.filter((entry) => !open().includes(entry.id)) // what is open stands below
    // The address of what was sent is known to who sent it: on a shared telephone not to who uses it after them.
    const sent = every.filter((one) => !one.who || one.who === who().id)
    // Whoever is in the list stays there, and hears it once, unless there is something new in it.
    const now = JSON.stringify([entries, sent, said, who()])
    if (now === shown) return all
    shown = now
    place.replaceChildren()
    if (entries.length) place.append(box(entries, said))
    else if ('empty' in place.dataset) place.append(element('p', 'govuk-body', place.dataset.empty))
    if (sent.length) place.append(list(sent))
    return all
  }

  function box (entries, said) {
    const node = element('div', 'app-outbox')
    const title = element('h2', 'govuk-heading-m', ngettext('%(count)s thing you wrote is waiting on this phone or computer', '%(count)s things you wrote are waiting on this phone or computer', entries.length))
    const words = element('p', 'govuk-body', `${said} ${gettext('What you wrote is kept here and nowhere else until it is sent. It is sent when there is signal and this page is open; it is never sent twice.')}`.trim())
    const rows = element('ul', 'govuk-list app-rows')
    for (const entry of entries) rows.append(row(entry))
    node.append(title, words, rows, action(gettext('Send now'), attempt, 'govuk-button govuk-button--secondary'))
    return node
  }

  function row (entry) {
    const item = element('li')
    const name = nameOf(entry)
    const blocked = entry.signedOut || waitsFor(entry, who())
    const photographs = entry.photographs.length ? `, ${ngettext('%(count)s photograph', '%(count)s photographs', entry.photographs.length)}` : ''
    const words = element('span', 'app-outbox__entry', name + photographs)
    words.append(element('span', 'govuk-body-s', entry.who.id ? gettext('written while signed in as %(name)s', { name: entry.who.name }) : gettext('written without an account')))
    item.append(words)
    if (entry.mistakes) {
      const why = entry.large ? gettext('Too much to send at once: leave photographs out.') : entry.mistakes.map(({ reason }) => reason).join('. ')
      item.append(element('strong', 'app-outbox__entry', gettext('Not taken: %(why)s', { why })))
    }
    if (entry.gone) {
      // There is no form any more to open it in.
      if (entry.fields.note) item.append(element('p', 'govuk-body app-words', entry.fields.note))
    } else if (blocked) {
      const other = who().id && waitsFor(entry, who())
      item.append(element('strong', 'app-outbox__entry', other ? gettext('It waits: somebody else is signed in now. Sign out, and sign in as who wrote it.') : gettext('It waits: you are not signed in. It is sent under that account only.')))
      if (!other) item.append(link(gettext('Sign in'), '/sign-in?next=/green-spaces/waiting'))
      item.append(action(gettext('Send it without an account'), () => disown(entry), 'app-button-link', name))
    } else if (entry.kind !== 'confirmation' || entry.mistakes) item.append(action(gettext('Open'), () => reopen(entry), 'app-button-link', name))
    item.append(action(gettext('Delete'), () => drop(entry), 'app-button-link', name))
    return item
  }

  function list (sent) {
    const node = element('details', 'govuk-details')
    const summary = element('summary', 'govuk-details__summary')
    summary.append(element('span', 'govuk-details__summary-text', gettext('Sent from this phone or computer: what became of it')))
    const inside = element('div', 'govuk-details__text')
    const rows = element('ul', 'govuk-list')
    for (const one of sent) {
      const item = element('li')
      item.append(link(nameOf(one), one.address))
      rows.append(item)
    }
    inside.append(rows, action(gettext('Forget these addresses'), async () => { await forgetSent(); await show() }, 'app-button-link'))
    node.append(summary, inside)
    return node
  }

  // Back into its form, here or on its own page (which has the address it is sent to), to be put right or sent at once.
  async function reopen (entry) {
    if (refill(entry)) await show()
    else window.location.assign(`${entry.action}#${entry.id}`)
  }

  async function disown (entry) {
    await keep({ ...entry, who: { id: '', name: '' }, signedOut: false })
    await attempt()
  }

  async function drop (entry) {
    if (!window.confirm(gettext('Delete “%(name)s” for good?', { name: nameOf(entry) }))) return
    await forget(entry.id)
    await show()
  }

  async function attempt () {
    const before = (await waiting()).length
    if (!before) return
    await sendAll()
    const left = (await waiting()).length
    await show(left < before ? '' : gettext('It could not be sent yet.'))
  }

  const quietly = async () => {
    const entries = await waiting()
    if (!navigator.onLine || !entries.some((entry) => !entry.mistakes && !waitsFor(entry, who()))) return
    await sendAll()
    await show()
  }
  window.addEventListener('online', quietly)
  document.addEventListener('visibilitychange', () => { if (!document.hidden) quietly() })
  setInterval(quietly, AGAIN_MS)
  navigator.serviceWorker?.addEventListener('message', ({ data }) => { if (data === SYNC) show() })
  // Pages of this kind are kept by browsers as they were left: what was sent meanwhile is gone from the list.
  window.addEventListener('pageshow', () => show())
  show().then(quietly)
  return { show }
}

function nameOf ({ kind, name }) {
  const words = name || gettext('Without a name')
  if (kind === 'change') return gettext('%(name)s: what has changed', { name: words })
  if (kind === 'confirmation') return gettext('%(name)s: still open', { name: words })
  return words
}
