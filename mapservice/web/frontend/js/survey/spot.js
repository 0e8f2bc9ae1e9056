// Without signal the worker shows one page for every space: which one it is about stands in the address.
const SPACE = /^\/green-spaces\/([^/]+)\/(?:confirm|report)$/

export function atThisSpace () {
  const page = document.querySelector('[data-spot]')
  const id = SPACE.exec(window.location.pathname)?.[1]
  if (!page || !id) return
  const name = decodeURIComponent(id).replaceAll('-', ' ')
  page.querySelector('[data-spot-name]').textContent = name
  for (const form of page.querySelectorAll('form[data-survey]')) {
    form.action = `/green-spaces/${id}/${form.dataset.survey === 'change' ? 'report' : 'confirm'}`
    form.dataset.name = name
  }
  page.hidden = false
  document.querySelector('[data-spot-none]').hidden = true
}
