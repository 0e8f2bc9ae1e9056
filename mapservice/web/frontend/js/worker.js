// Keeps the last answer, the numbers to ring and the files they need, for where there is no signal.
//
// What it is given stands in front of this file, written by the server: { version, files }.
// The network always comes first. A kept answer is shown for the very question it answers, when the network fails
// or has not answered for a while, and says itself when it was kept. Only a page that asks for it (see MARK) is
// kept: never one of somebody who is signed in, and nothing of the API. Names of caches and the addresses in them
// hold nothing of what was asked.
//
// The forms for a walk are kept as well, as they are for anybody: fetched without cookies, so that nothing of a person
// is in them. What was written in them without signal is sent from here where the browser wakes the worker for it.
import { sendAll, SYNC } from './survey/outbox.js'

const { version, files } = self.mapservice

const FILES = `files-${version}`
const KEPT = 'kept'
const ANSWER = '/find/last'
const NUMBERS = '/find/offline'
const FORM = '/green-spaces/suggest'
const WAITING = '/green-spaces/waiting'
const SPOT = '/green-spaces/on-the-spot'
const FORMS = [FORM, WAITING, SPOT]
const AT_A_SPACE = /^\/green-spaces\/[^/]+\/(?:confirm|report)$/
const NEEDED = /(?:src|href)="(\/(?:static\/dist|map)\/[^"]+)"/g
const MARK = 'data-offline-notice hidden'
const NOT_SEARCHED = 'data-offline-search hidden'
const HAS_ANSWER = 'data-offline-answer hidden'
const ASKED = 'X-Asked'
const WHEN = 'X-Kept-At'

const PAGE = /^\/(?:find(?:\/last|\/offline)?|map|assets(?:\/[^/]+)?|green-spaces(?:\/[^/]+)?)?$/
const FILE = /^\/(?:static\/dist\/[\w.-]+|map\/(?:full|small|draw)-[0-9a-f]+\.(?:js|css)|static\/icon\.svg)$/
const PATIENCE_MS = 5000
const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
// Long enough for the way there and back; many ask at a computer that others use after them.
const KEPT_FOR_MS = 12 * HOUR_MS

self.addEventListener('install', (event) => {
  event.waitUntil(install())
})

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim())
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate') {
    if (FORMS.includes(url.pathname)) event.respondWith(form(event, url.pathname))
    else if (AT_A_SPACE.test(url.pathname)) event.respondWith(form(event, SPOT))
    else if (PAGE.test(url.pathname)) event.respondWith(page(event, url))
  } else if (FILE.test(url.pathname)) {
    event.respondWith(file(request))
  }
})

self.addEventListener('sync', (event) => {
  if (event.tag === SYNC) event.waitUntil(sendKept())
})

// A page that was there before this worker asks for itself to be kept.
self.addEventListener('message', (event) => {
  if (event.data?.keepForms) event.waitUntil(freshForms().catch(() => {}))
  if (typeof event.data?.keep !== 'string') return
  const url = new URL(event.data.keep)
  if (url.origin !== self.location.origin || url.pathname !== '/find') return
  event.waitUntil(fetch(url, { headers: { Accept: 'text/html' } }).then((response) => keep(response, url)).catch(() => {}))
})

async function install () {
  await (await caches.open(FILES)).addAll(files)
  await keepNumbers()
  // Forms that were kept before need the files of this edition.
  for (const name of FORMS) if (await (await caches.open(KEPT)).match(name)) await keepForm(name).catch(() => {})
  await self.skipWaiting()
}

async function page (event, url) {
  const kept = await answer()
  const same = kept && url.pathname === '/find' && kept.headers.get(ASKED) === url.search
  const network = fetch(event.request)
  event.waitUntil(network.then((response) => keep(response.clone(), url)).catch(() => {}))
  try {
    return await (same ? Promise.race([network, patience()]) : network)
  } catch {
    if (kept && (same || url.pathname === ANSWER)) return shown(kept, MARK)
    const numbers = await (await caches.open(KEPT)).match(NUMBERS)
    if (!numbers) return Response.error()
    const searched = url.pathname === '/find' && url.search ? await shown(numbers, NOT_SEARCHED) : numbers
    return kept ? shown(searched, HAS_ANSWER) : searched
  }
}

async function form (event, name) {
  const network = fetch(event.request)
  const kept = await (await caches.open(KEPT)).match(name)
  if (!kept) return network.catch(() => page(event, new URL(event.request.url)))
  event.waitUntil(network.then((response) => response.ok && freshForms()).catch(() => {}))
  try {
    return await Promise.race([network, patience()])
  } catch {
    return kept
  }
}

async function freshForms () {
  for (const name of FORMS) {
    const kept = await (await caches.open(KEPT)).match(name)
    if (!kept || age(kept) > HOUR_MS) await keepForm(name)
  }
}

async function keepForm (name) {
  const response = await fetch(name, { cache: 'no-store', credentials: 'omit' })
  if (!response.ok || response.redirected) return
  const text = await response.text()
  const store = await caches.open(FILES)
  for (const [, address] of text.matchAll(NEEDED)) {
    if (!(await store.match(address))) await store.add(address)
  }
  await put(name, text, response)
}

// Failing makes the browser try again later.
async function sendKept () {
  const all = await sendAll()
  for (const client of await self.clients.matchAll()) client.postMessage(SYNC)
  if (!all) throw new Error('not all could be sent')
}

function patience () {
  return new Promise((resolve, reject) => setTimeout(() => reject(new Error('no answer yet')), PATIENCE_MS))
}

async function keep (response, url) {
  if (!response.ok || response.redirected || url.pathname !== '/find') return
  const text = await response.text()
  if (!text.includes(MARK)) return
  await put(ANSWER, text, response, { [ASKED]: url.search })
  // What an older edition's answer needed is of no use any more.
  for (const name of await caches.keys()) if (name.startsWith('files-') && name !== FILES) await caches.delete(name)
  for (const client of await self.clients.matchAll()) client.postMessage('kept')
  const numbers = await (await caches.open(KEPT)).match(NUMBERS)
  if (!numbers || age(numbers) > DAY_MS) await keepNumbers()
}

async function keepNumbers () {
  const response = await fetch(NUMBERS, { cache: 'no-store', credentials: 'omit' })
  if (response.ok && !response.redirected) await put(NUMBERS, await response.text(), response)
}

async function put (name, text, response, more = {}) {
  const headers = new Headers({
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': response.headers.get('Content-Security-Policy') ?? "default-src 'none'",
    [WHEN]: String(Date.now()),
    ...more
  })
  // A kept page knows itself as one: of who is signed in it says nothing.
  await (await caches.open(KEPT)).put(name, new Response(text.replace('<html', '<html data-kept'), { headers }))
}

// The kept answer, unless it is too old to be of use.
async function answer () {
  const cache = await caches.open(KEPT)
  const found = await cache.match(ANSWER)
  if (!found || age(found) <= KEPT_FOR_MS) return found
  await cache.delete(ANSWER)
  return undefined
}

function age (response) {
  return Date.now() - Number(response.headers.get(WHEN))
}

async function shown (response, hidden) {
  const text = await response.text()
  return new Response(text.replace(hidden, hidden.replace(' hidden', '')), { headers: response.headers })
}

async function file (request) {
  const found = await caches.match(request)
  if (found) return found
  const response = await fetch(request)
  if (response.ok) await (await caches.open(FILES)).put(request, response.clone())
  return response
}
