// A form is kept on this device before it is sent, so that whatever happens on the way nothing is lost; what could
// not be sent waits in the list, and is sent as soon as there is signal.
import { who } from '../who.js'
import { gettext } from '../words.js'
import { alone, keep, keepOutcome, send, SYNC, waiting } from './outbox.js'
import { shrunk } from './shrinking.js'
import { listWaiting } from './waiting.js'

// Of the form's own fields these are made anew for every sending.
const NOT_KEPT = new Set(['csrf_token', 'id', 'written_at', 'kept', 'photographs'])
// Hidden, and yet written by who fills it in.
const DRAWN = new Set(['geometry', 'entrances', 'written_at'])

// Every form of the page that has `data-survey`, which says of what kind it is, and the list of what waits.
export function joinOutbox () {
  const place = document.querySelector('[data-outbox]')
  if (!place || !('indexedDB' in window) || !crypto.randomUUID) return
  const forms = [...document.querySelectorAll('form[data-survey]')]
  const list = listWaiting(place, {
    refill: (entry) => refilled(forms, entry, true),
    open: () => forms.map((form) => form.elements.id.value)
  })
  for (const form of forms) joinForm(form, place, list)
  // From the list on another page, to what is to be put right in this form.
  const wanted = window.location.hash.slice(1)
  if (wanted) waiting().then((all) => all.some((entry) => entry.id === wanted && refilled(forms, entry)) && list.show())
  keepPages()
}

function joinForm (form, place, list) {
  const button = form.querySelector('button[type=submit], button:not([type])')
  let sending = false
  // A page that was kept is opened again and again: what is written in it each time is another thing.
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
    const outcome = await alone(entry.id, () => keptAndSent(entry))
    if (outcome.state === 'sent') window.location.assign(outcome.onwards)
    // The server's own page says what is wrong, with everything still filled in.
    else if (outcome.state === 'unkept' || (outcome.state === 'refused' && !outcome.gone)) await native(form)
    else await afresh(['server', 'itself'].includes(outcome.reason) ? gettext('The service could not take it just now.') : '')
  }

  // Nobody else sends it meanwhile: they would not ask what somebody is here to answer.
  async function keptAndSent (entry) {
    try {
      await keep(entry)
    } catch {
      // The device has no room or forbids it: then there is only sending.
      return { state: 'unkept' }
    }
    if (!navigator.onLine) return { state: 'waiting', reason: 'signal' }
    const outcome = await send(entry)
    await keepOutcome(entry, outcome)
    return outcome
  }

  // The form is empty again for the next one; what was written waits above it.
  async function afresh (said) {
    empty(form)
    form.elements.id.value = crypto.randomUUID()
    form.dispatchEvent(new CustomEvent('survey:filled'))
    await list.show(said)
    later()
    place.scrollIntoView({ block: 'start' })
  }
}

// As if nothing had been written in it, also where the server's page came with what it had refused.
function empty (form) {
  form.reset()
  for (const node of form.querySelectorAll('[data-kept]')) node.remove()
  for (const node of form.elements) {
    if (['radio', 'checkbox'].includes(node.type)) node.checked = false
    else if (node.matches('select')) node.selectedIndex = 0
    else if (node.type === 'hidden' ? DRAWN.has(node.name) : node.matches('input, textarea')) node.value = ''
  }
}

// Whether something stands in it that is kept nowhere else.
function isWritten (form) {
  return [...form.elements].some((node) => {
    if (node.type === 'hidden') return node.name === 'geometry' && node.value
    if (['radio', 'checkbox'].includes(node.type)) return node.checked !== node.defaultChecked
    return node.matches('input, textarea') ? node.value !== node.defaultValue : node.selectedIndex > 0
  })
}

// Back into the form it was written in, if that is here; with `ask`, not in place of other words without asking.
function refilled (forms, entry, ask = false) {
  const form = forms.find(({ action, dataset }) => dataset.survey === entry.kind && new URL(action).pathname === entry.action)
  if (!form || entry.kind === 'confirmation') return false
  const question = () => gettext('What stands in the form is not kept yet. Put “%(name)s” in its place?', { name: entry.name || gettext('Without a name') })
  if (ask && isWritten(form) && !window.confirm(question())) return true
  empty(form)
  const { at_photograph: at, ...fields } = entry.fields
  for (const [name, value] of Object.entries(at ? { place: at, ...fields } : fields)) {
    const field = form.elements[name]
    if (field) field.value = value // of radios, the one with this value
  }
  for (const token of entry.kept ?? []) {
    const node = document.createElement('input')
    Object.assign(node, { type: 'hidden', name: 'kept', value: token })
    node.dataset.kept = ''
    form.append(node)
  }
  form.elements.id.value = entry.id
  const files = new DataTransfer()
  for (const { blob, name } of entry.photographs) files.items.add(new File([blob], name, { type: blob.type }))
  form.elements.photographs.files = files.files
  for (const fold of form.querySelectorAll('details')) fold.open = [...fold.querySelectorAll('input, select, textarea')].some((node) => node.value)
  form.dispatchEvent(new CustomEvent('survey:filled'))
  form.scrollIntoView({ block: 'start' })
  return true
}

// The worker keeps the forms for where there is no signal.
async function keepPages () {
  if (!('serviceWorker' in navigator)) return
  try {
    await navigator.serviceWorker.register('/worker.js')
    const { active } = await navigator.serviceWorker.ready
    active.postMessage({ keepForms: true })
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
  const { geometry, place } = form.elements
  // Where the place is not said otherwise, the server looks for it in the photograph as it was taken.
  const small = !geometry || geometry.value || place.value.trim()
  for (const [name, value] of new FormData(form)) {
    if (name === 'photographs') {
      if (value.size) photographs.push({ blob: small ? await shrunk(value) : value, name: value.name })
    } else if (name === 'kept') kept.push(value)
    else if (!NOT_KEPT.has(name) && value) fields[name] = value
  }
  return {
    id: form.elements.id.value || crypto.randomUUID(),
    kind: form.dataset.survey,
    name: form.dataset.name ?? fields.name ?? '',
    action: new URL(form.action).pathname,
    who: who(),
    written_at: new Date().toISOString(),
    fields,
    photographs,
    kept
  }
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
