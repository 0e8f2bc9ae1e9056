// What scripts say, in the language of the page. English stands in the code; another language's words come in a
// script of their own, before this one.
const { language = 'en', said = {} } = window.mapserviceWords ?? {}
const CATEGORIES = ['zero', 'one', 'two', 'few', 'many', 'other']

export function gettext (text, values = {}) {
  return filled(said[text]?.[0] ?? text, values)
}

// `values.count` says how many; gettext's forms stand in the order of the language's plural categories.
export function ngettext (one, many, count, values = {}) {
  const forms = said[one]
  if (!forms) return filled(count === 1 ? one : many, { count, ...values })
  const rules = new Intl.PluralRules(language)
  const used = CATEGORIES.filter((name) => rules.resolvedOptions().pluralCategories.includes(name))
  const form = Math.min(used.indexOf(rules.select(count)), forms.length - 1)
  return filled(forms[form], { count, ...values })
}

function filled (text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole)
}
