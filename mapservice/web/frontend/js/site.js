// Every page works without this file. It adds GOV.UK Frontend's small helpers, copy buttons and
// "use my location".
import { createAll } from 'govuk-frontend/dist/govuk/init.mjs'
import { Button } from 'govuk-frontend/dist/govuk/components/button/button.mjs'
import { ErrorSummary } from 'govuk-frontend/dist/govuk/components/error-summary/error-summary.mjs'
import { PasswordInput } from 'govuk-frontend/dist/govuk/components/password-input/password-input.mjs'
import { ServiceNavigation } from 'govuk-frontend/dist/govuk/components/service-navigation/service-navigation.mjs'
import { SkipLink } from 'govuk-frontend/dist/govuk/components/skip-link/skip-link.mjs'

import '../scss/site.scss'
import { workOffline } from './offline.js'
import { rememberWho } from './who.js'
import { gettext } from './words.js'

for (const component of [Button, ErrorSummary, PasswordInput, ServiceNavigation, SkipLink]) createAll(component)

workOffline()
rememberWho()

// A copy button is written by the script, so that no dead button shows without it.
for (const box of document.querySelectorAll('[data-copy]')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'govuk-button govuk-button--secondary app-copy'
  button.append(gettext('Copy'))
  const what = document.createElement('span')
  what.className = 'govuk-visually-hidden'
  what.textContent = ` ${box.dataset.copy}`
  button.append(what)
  const said = document.createElement('span')
  said.className = 'govuk-visually-hidden'
  said.setAttribute('role', 'status')
  button.addEventListener('click', async () => {
    const text = box.querySelector('code, pre').textContent
    try {
      await navigator.clipboard.writeText(text)
      button.firstChild.data = gettext('Copied')
      said.textContent = gettext('Copied: %(what)s', { what: box.dataset.copy })
    } catch {
      // Without permission the text is selected, ready for the person's own copy command.
      window.getSelection().selectAllChildren(box.querySelector('code, pre'))
      button.firstChild.data = gettext('Selected: copy it now')
    }
    setTimeout(() => { button.firstChild.data = gettext('Copy'); said.textContent = '' }, 4000)
  })
  box.append(button, said)
}

// On paper nothing can be unfolded.
window.addEventListener('beforeprint', () => {
  for (const fold of document.querySelectorAll('details.app-kind, details.app-fold')) fold.open = true
})

// What a link leads to may be folded away. Newer browsers unfold it by themselves.
const unfold = () => {
  const target = document.getElementById(window.location.hash.slice(1))
  const folds = []
  for (let node = target; node; node = node.parentElement) if (node.matches('details:not([open])')) folds.push(node)
  for (const fold of folds) fold.open = true
  if (folds.length) target.scrollIntoView()
}
window.addEventListener('hashchange', unfold)
unfold()

// "Use my location" fills lon and lat and sends the form; the place is only sent to this server.
for (const slot of document.querySelectorAll('[data-use-location]')) {
  if (!navigator.geolocation) continue
  const form = slot.closest('form')
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'govuk-button govuk-button--secondary'
  button.textContent = gettext('Use my location')
  const said = document.createElement('p')
  said.className = 'govuk-hint'
  said.setAttribute('role', 'status')
  button.addEventListener('click', () => {
    said.textContent = gettext('Finding where you are…')
    navigator.geolocation.getCurrentPosition((position) => {
      const address = new URL(form.action, window.location.href)
      for (const [name, value] of new FormData(form)) if (name !== 'postcode' && value) address.searchParams.set(name, value)
      address.searchParams.set('lon', position.coords.longitude.toFixed(5))
      address.searchParams.set('lat', position.coords.latitude.toFixed(5))
      window.location.assign(address)
    }, () => {
      said.textContent = gettext('Your phone or computer did not share where you are. Type your postcode instead.')
    }, { maximumAge: 60000, timeout: 15000 })
  })
  slot.append(button, said)
}
