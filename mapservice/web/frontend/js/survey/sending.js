// The form is kept on this device before it is sent, so that whatever happens on the way nothing is lost; what could
// not be sent is shown above the form, and sent as soon as there is signal.
import { gettext, ngettext } from '../words.js'
import { forget, forgetSent, keep, send, sendAll, sentBefore, SYNC, waiting } from './outbox.js'
import { shrunk } from './shrinking.js'

const AGAIN_MS = 60 * 1000
// Of the form's own fields these are made anew for every sending.
const NOT_KEPT = new Set(['csrf_token', 'id', 'written_at', 'kept', 'photographs'])

export function joinOutbox (form) {
  const place = document.querySelector('[data-outbox]')
  if (!place || !('indexedDB' in window) || !crypto.randomUUID) return
  place.setAttribute('aria-live', 'polite')
  const button = form.querySelector('button[type=submit], button:not([type])')
  let sending = false
  // A page that was kept is opened again and again: what is written in it each time is another suggestion.
  if ('fresh' in form.dataset) form.elements.id.value = crypto.randomUUID()

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (sending) return
    sending = true
    button.disabled = true
    button.setAttribute('aria-busy', 'true')
    try {
      await submit()
    } finally {
      sending = false
      button.disabled = false
      button.removeAttribute('aria-busy')
    }
  })

  async function submit () {
    const entry = await written(form)
    try {
      await keep(entry)
    } catch {
      // The device has no room or forbids it: then there is only sending.
      return native(form)
    }
    if (navigator.onLine) {
      const outcome = await send(entry)
      if (outcome.state === 'sent') {
        window.location.assign(`${outcome.address}?sent=1`)
        return
      }
      if (outcome.state === 'refused') {
        // The server's own page says what is wrong, with everything still filled in.
        await keep({ ...entry, mistakes: outcome.mistakes, large: outcome.large })
        return native(form)
      }
      await afresh(outcome.reason === 'server')
    } else await afresh(false)
  }

  // The form is empty again for the next space; what was written waits above it.
  async function afresh (byServer) {
    form.reset()
    form.elements.id.value = crypto.randomUUID()
    for (const name of ['geometry', 'entrances', 'written_at']) form.elements[name].value = ''
    for (const node of form.querySelectorAll('input[name=kept]')) node.remove()
    form.dispatchEvent(new CustomEvent('survey:filled'))
    const tried = byServer ? gettext('The service could not take it just now.') : ''
    await show(tried)
    later()
    place.scrollIntoView({ block: 'start' })
  }

  async function show (said = '') {
    const [all, sent] = await Promise.all([waiting(), sentBefore()])
    const entries = all.filter((entry) => entry.id !== form.elements.id.value) // the one that is open stands below
    place.replaceChildren()
    if (entries.length) place.append(box(entries, said))
    if (sent.length) place.append(list(sent))
  }

  function box (entries, said) {
    const node = element('div', 'app-outbox')
    const title = element('h2', 'govuk-heading-m', ngettext('%(count)s suggestion is waiting on this phone or computer', '%(count)s suggestions are waiting on this phone or computer', entries.length))
    const words = element('p', 'govuk-body', `${said} ${gettext('What you wrote is kept here and nowhere else until it is sent. It is sent when there is signal and this page is open; it is never sent twice.')}`.trim())
    const rows = element('ul', 'govuk-list app-rows')
    for (const entry of entries) rows.append(row(entry))
    const now = action(gettext('Send now'), attempt, 'govuk-button govuk-button--secondary')
    node.append(title, words, rows, now)
    return node
  }

  function row (entry) {
    const item = element('li')
    const name = entry.fields.name || gettext('Without a name')
    const photographs = entry.photographs.length ? `, ${ngettext('%(count)s photograph', '%(count)s photographs', entry.photographs.length)}` : ''
    item.append(element('span', '', name + photographs))
    if (entry.mistakes) {
      const why = entry.large ? gettext('Too much to send at once: leave photographs out.') : entry.mistakes.map(({ reason }) => reason).join('. ')
      item.append(element('strong', '', gettext('Not taken: %(why)s', { why })))
    }
    item.append(action(gettext('Open'), () => refill(entry), 'app-button-link', name))
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
      const link = element('a', 'govuk-link', one.name || gettext('Without a name'))
      link.href = one.address
      item.append(link)
      rows.append(item)
    }
    inside.append(rows, action(gettext('Forget these addresses'), async () => { await forgetSent(); await show() }, 'app-button-link'))
    node.append(summary, inside)
    return node
  }

  // Back into the form, to be put right or sent at once.
  async function refill (entry) {
    form.reset()
    for (const [name, value] of Object.entries(entry.fields)) {
      const field = form.elements[name]
      if (field) field.value = value // of radios, the one with this value
    }
    form.elements.id.value = entry.id
    const files = new DataTransfer()
    for (const { blob, name } of entry.photographs) files.items.add(new File([blob], name, { type: blob.type }))
    form.elements.photographs.files = files.files
    for (const fold of form.querySelectorAll('details')) fold.open = [...fold.querySelectorAll('input, select, textarea')].some((node) => node.value)
    form.dispatchEvent(new CustomEvent('survey:filled'))
    await show()
    form.scrollIntoView({ block: 'start' })
  }

  async function drop (entry) {
    if (!window.confirm(gettext('Delete “%(name)s” for good?', { name: entry.fields.name || gettext('Without a name') }))) return
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
    if (!navigator.onLine || !entries.some((entry) => !entry.mistakes)) return
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
  keepThisPage()
}

// What waits is sent with the form as it stands, and the worker keeps the form for where there is no signal.
async function keepThisPage () {
  if (!('serviceWorker' in navigator)) return
  try {
    await navigator.serviceWorker.register('/worker.js')
    const { active } = await navigator.serviceWorker.ready
    active.postMessage({ keepForm: true })
  } catch {
    // Private windows and old browsers may refuse: the form works with signal.
  }
}

// Background Sync, where there is such a thing: then the page need not stay open.
async function later () {
  try {
    await (await navigator.serviceWorker.ready).sync.register(SYNC)
  } catch {
    // Then it is sent the next time the page is open.
  }
}

async function written (form) {
  const fields = {}
  const photographs = []
  const kept = []
  const placed = form.elements.geometry.value || form.elements.place.value.trim()
  for (const [name, value] of new FormData(form)) {
    if (name === 'photographs') {
      // Where the place is not said otherwise, the server looks for it in the photograph as it was taken.
      if (value.size) photographs.push({ blob: placed ? await shrunk(value) : value, name: value.name })
    } else if (name === 'kept') kept.push(value)
    else if (!NOT_KEPT.has(name) && value) fields[name] = value
  }
  return { id: form.elements.id.value || crypto.randomUUID(), written_at: new Date().toISOString(), fields, photographs, kept }
}

// As without a script; with a token that holds, which a page kept for days no longer has.
async function native (form) {
  try {
    const response = await fetch('/green-spaces/suggest/token', { cache: 'no-store' })
    form.elements.csrf_token.value = (await response.json()).csrf_token
  } catch {
    // Then the one in the form has to do.
  }
  form.submit()
}

function action (text, act, look, about = '') {
  const node = element('button', look, text)
  node.type = 'button'
  if (about) node.append(element('span', 'govuk-visually-hidden', ` ${about}`))
  node.addEventListener('click', act)
  return node
}

function element (name, look = '', text = '') {
  const node = document.createElement(name)
  if (look) node.className = look
  if (text) node.textContent = text
  return node
}
