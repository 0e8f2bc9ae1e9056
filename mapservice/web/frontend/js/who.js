// Who is signed in, remembered on this device for what is written without signal: pages that the browser keeps show
// nobody. Gone with the first page after signing out.
const KEY = 'signed-in'
const NOBODY = { id: '', name: '' }

const kept = () => 'kept' in document.documentElement.dataset

export function rememberWho () {
  if (kept()) return
  const { id } = shown()
  try {
    if (id) localStorage.setItem(KEY, JSON.stringify(shown()))
    else localStorage.removeItem(KEY)
  } catch {
    // Where nothing can be kept, nothing is written without signal.
  }
}

export function who () {
  if (!kept()) return shown()
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? NOBODY
  } catch {
    return NOBODY
  }
}

function shown () {
  const node = document.querySelector('[data-who]')
  return node ? { id: node.dataset.who, name: node.dataset.whoShown } : NOBODY
}
