// Without signal: registers the worker that keeps the last answer, and lets people have it forgotten.
const KEPT = 'kept'
const ANSWER = '/find/last'

export async function workOffline () {
  const address = document.querySelector('meta[name="offline-worker"]')?.content
  if (!address || !('serviceWorker' in navigator) || !('caches' in window)) return
  const slots = [...document.querySelectorAll('[data-forget]')]
  const show = async () => {
    const kept = await hasAnswer()
    for (const slot of slots) if (kept && !slot.dataset.forgotten) slot.hidden = false
    for (const way of document.querySelectorAll('[data-when-kept]')) way.hidden = !kept
  }
  for (const slot of slots) slot.querySelector('button').addEventListener('click', () => forget(slot, slots))
  navigator.serviceWorker.addEventListener('message', (event) => { if (event.data === 'kept') show() })
  try {
    await show()
    const early = !navigator.serviceWorker.controller
    await navigator.serviceWorker.register(address)
    const { active } = await navigator.serviceWorker.ready
    if (early && document.querySelector('[data-offline-notice]')) active.postMessage({ keep: window.location.href })
  } catch {
    // Private windows and old browsers may refuse: everything else works as before.
  }
}

async function hasAnswer () {
  return Boolean(await (await caches.open(KEPT)).match(ANSWER))
}

async function forget (slot, slots) {
  await (await caches.open(KEPT)).delete(ANSWER)
  for (const other of slots) {
    other.dataset.forgotten = 'yes'
    other.hidden = other !== slot
  }
  for (const way of document.querySelectorAll('[data-when-kept]')) way.hidden = true
  slot.querySelector('[data-forget-ask]').hidden = true
  const said = slot.querySelector('[role=status]')
  said.textContent = slot.dataset.said
}
