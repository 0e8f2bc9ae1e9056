// Parts of a page.
export function element (name, look = '', text = '') {
  const node = document.createElement(name)
  if (look) node.className = look
  if (text) node.textContent = text
  return node
}

// A button; `about` is what it is about, for who hears it alone.
export function action (text, act, look, about = '') {
  const node = element('button', look, text)
  node.type = 'button'
  if (about) node.append(element('span', 'govuk-visually-hidden', ` ${about}`))
  node.addEventListener('click', act)
  return node
}

export function link (text, address) {
  const node = element('a', 'govuk-link', text)
  node.href = address
  return node
}
