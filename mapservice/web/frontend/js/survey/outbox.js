// What was written on this device and has not been sent: kept in the browser's own database, photographs and all,
// and sent when there is signal, by the page or by the worker. The server takes the same id once, so that sending
// again is safe. Nothing here knows of a page.
const NAME = 'survey'
const KEPT = 'outbox'
const SENT = 'sent'
const ADDRESS = '/green-spaces/suggest'
const SENT_DAYS = 60
export const SYNC = 'survey-outbox'

export function keep (entry) {
  return run(KEPT, 'readwrite', (store) => store.put(entry))
}

export function forget (id) {
  return run(KEPT, 'readwrite', (store) => store.delete(id))
}

export async function waiting () {
  const all = await run(KEPT, 'readonly', (store) => store.getAll())
  return all.sort((one, other) => one.written_at.localeCompare(other.written_at))
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

// Sends one entry. What comes back: { state: 'sent', address }, { state: 'refused', mistakes },
// { state: 'waiting', wait } for later, which is also what no signal gives.
export async function send (entry) {
  let response
  try {
    const token = await fetch(`${ADDRESS}/token`, { cache: 'no-store', credentials: 'same-origin' })
    if (!token.ok) return { state: 'waiting', reason: 'server' }
    const body = new FormData()
    body.set('csrf_token', (await token.json()).csrf_token)
    body.set('id', entry.id)
    body.set('written_at', entry.written_at)
    for (const [name, value] of Object.entries(entry.fields)) body.append(name, value)
    for (const name of entry.kept ?? []) body.append('kept', name)
    for (const { blob, name } of entry.photographs) body.append('photographs', blob, name)
    response = await fetch(ADDRESS, { method: 'POST', body, headers: { Accept: 'application/json' }, credentials: 'same-origin' })
  } catch {
    return { state: 'waiting', reason: 'signal' }
  }
  const said = await response.json().catch(() => null)
  if (response.ok && said?.address) {
    await run(SENT, 'readwrite', (store) => store.put({ id: entry.id, name: entry.fields.name ?? '', address: said.address, at: new Date().toISOString() }))
    await forget(entry.id)
    return { state: 'sent', address: said.address }
  }
  if (response.status === 413) return { state: 'refused', mistakes: [], large: true }
  if (response.status === 400 && said?.mistakes) return { state: 'refused', mistakes: said.mistakes }
  return { state: 'waiting', reason: 'server', wait: Number(response.headers.get('Retry-After')) || 0 }
}

// Sends all that waits, one at a time, and says of each what became of it. Two pages, or a page and the worker, take
// turns where the browser can make them.
export async function sendAll (tell = () => {}) {
  const work = async () => {
    for (const entry of await waiting()) {
      if (entry.mistakes) continue // a person has to put it right
      const outcome = await send(entry)
      if (outcome.state === 'refused') await keep({ ...entry, mistakes: outcome.mistakes, large: outcome.large })
      tell(entry, outcome)
      if (outcome.state === 'waiting') return false
    }
    return true
  }
  return navigator.locks ? navigator.locks.request(SYNC, work) : work()
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
