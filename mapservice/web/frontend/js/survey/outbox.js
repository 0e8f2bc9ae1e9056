// What was written on this device and has not been sent: kept in the browser's own database, photographs and all,
// and sent when there is signal, by the page or by the worker. The server takes the same id once, so that sending
// again is safe, and takes nothing under another account than it was written with. Nothing here knows of a page.
const NAME = 'survey'
const KEPT = 'outbox'
const SENT = 'sent'
const TOKEN = '/green-spaces/suggest/token'
const NOBODY = 'nobody'
const SENT_DAYS = 60
// Earlier editions of this script kept suggestions alone, and not under whose account they were written.
const EARLIER = { kind: 'space', action: '/green-spaces/suggest', who: { id: '', name: '' } }
export const SYNC = 'survey-outbox'

export function keep (entry) {
  return run(KEPT, 'readwrite', (store) => store.put(entry))
}

export function forget (id) {
  return run(KEPT, 'readwrite', (store) => store.delete(id))
}

export async function waiting () {
  const all = await run(KEPT, 'readonly', (store) => store.getAll())
  return all.map(whole).sort((one, other) => one.written_at.localeCompare(other.written_at))
}

// One entry has one sender at a time, of all pages and the worker, where the browser can make them take turns.
export function alone (id, work) {
  return navigator.locks ? navigator.locks.request(`${SYNC}-${id}`, work) : work()
}

// What was sent from here while nobody watched: where to see what became of it.
export async function sentBefore () {
  const all = await run(SENT, 'readonly', (store) => store.getAll())
  const since = new Date(Date.now() - SENT_DAYS * 24 * 3600 * 1000).toISOString()
  for (const one of all) if (one.at < since) await run(SENT, 'readwrite', (store) => store.delete(one.id))
  return all.filter((one) => one.at >= since).sort((one, other) => other.at.localeCompare(one.at))
}

export function forgetSent () {
  return run(SENT, 'readwrite', (store) => store.clear())
}

// Whether it waits for its account to be signed in again, with somebody or nobody signed in now.
export function waitsFor (entry, who) {
  return Boolean(entry.who.id) && entry.who.id !== who.id
}

// Sends one entry; `waited` says that nobody is asked about it any more. What comes back: { state: 'sent', onwards },
// { state: 'refused', mistakes }, or { state: 'waiting', reason } for later: no signal, the server (which takes nothing
// just now), itself (which the server may take another for), or who is signed in.
export async function send (entry, waited = false) {
  let response
  try {
    const token = await fetch(TOKEN, { cache: 'no-store', credentials: 'same-origin' })
    if (!token.ok) return { state: 'waiting', reason: 'server' }
    const { csrf_token: csrf, who } = await token.json()
    if (waitsFor(entry, who)) return { state: 'waiting', reason: 'who' }
    const body = new FormData()
    body.set('csrf_token', csrf)
    body.set('id', entry.id)
    body.set('written_at', entry.written_at)
    body.set('as', entry.who.id || NOBODY)
    if (waited) body.set('waited', 'yes')
    for (const [name, value] of Object.entries(entry.fields)) body.append(name, value)
    for (const name of entry.kept ?? []) body.append('kept', name)
    for (const { blob, name } of entry.photographs) body.append('photographs', blob, name)
    response = await fetch(entry.action, { method: 'POST', body, headers: { Accept: 'application/json' }, credentials: 'same-origin' })
  } catch {
    return { state: 'waiting', reason: 'signal' }
  }
  const said = await response.json().catch(() => null)
  if (response.ok && said?.address) {
    await run(SENT, 'readwrite', (store) => store.put({ id: entry.id, name: entry.name, kind: entry.kind, who: entry.who.id, address: said.address, at: new Date().toISOString() }))
    await forget(entry.id)
    return { state: 'sent', onwards: said.onwards }
  }
  if (response.status === 413) return { state: 'refused', mistakes: [], large: true }
  if ([400, 404].includes(response.status) && said?.mistakes) return { state: 'refused', mistakes: said.mistakes, gone: response.status === 404 }
  return { state: 'waiting', reason: { 409: 'who', 429: 'server', 503: 'server' }[response.status] ?? 'itself' }
}

// What is to be known of an entry that could not be sent: why, or that it waits for its account, whatever the page says
// of who is signed in.
export async function keepOutcome (entry, { state, reason, mistakes, large, gone }) {
  if (state === 'refused') await keep({ ...entry, mistakes, large, gone, signedOut: false })
  else if (reason === 'who' && !entry.signedOut) await keep({ ...entry, signedOut: true })
}

// Sends all that waits, one at a time. False: not all could be sent, though none waits for somebody. Two pages, or a page
// and the worker, take turns where the browser can make them.
export async function sendAll () {
  const work = async () => {
    let all = true
    for (const { id } of await waiting()) {
      const { state, reason } = await alone(id, () => sendKept(id))
      if (state !== 'waiting' || reason === 'who') continue
      all = false
      if (reason !== 'itself') break
    }
    return all
  }
  return navigator.locks ? navigator.locks.request(SYNC, work) : work()
}

// As it is kept by now: whoever had the turn before may have sent it. A person has to put right what was refused.
async function sendKept (id) {
  const entry = await run(KEPT, 'readonly', (store) => store.get(id))
  if (!entry || entry.mistakes) return { state: 'settled' }
  const outcome = await send(whole(entry), true)
  await keepOutcome(whole(entry), outcome)
  return outcome
}

function whole (entry) {
  return { ...EARLIER, name: entry.fields.name ?? '', ...entry }
}

function open () {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      for (const store of [KEPT, SENT]) request.result.createObjectStore(store, { keyPath: 'id' })
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

async function run (name, mode, act) {
  const database = await open()
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(name, mode)
      const request = act(transaction.objectStore(name))
      // Once the transaction is complete, not before, it is safe on the device.
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error)
    })
  } finally {
    database.close()
  }
}
