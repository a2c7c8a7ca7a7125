// Comfort for those who have scripts on; every page works without.

for (const source of document.querySelectorAll('[data-copy]')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'copy'
  button.textContent = 'Copy'
  button.setAttribute('aria-label', `Copy ${source.textContent}`)
  button.addEventListener('click', () => copy(source, button))
  source.after(button)
}

/** Browsers give pages the clipboard only over HTTPS or on this machine; otherwise the text is selected. */
async function copy(source, button) {
  try {
    await navigator.clipboard.writeText(source.textContent)
    tell(button, 'Copied')
  } catch {
    getSelection().selectAllChildren(source)
    tell(button, 'Selected')
  }
}

function tell(button, word) {
  button.textContent = word
  say(word)
  setTimeout(() => {
    button.textContent = 'Copy'
  }, 1500)
}

const status = document.createElement('p')
status.className = 'hidden'
status.setAttribute('role', 'status')
document.body.append(status)

function say(text) {
  status.textContent = text
}

/** Fewer rows are seen at a glance. */
const WORTH_FILTERING = 8

for (const list of document.querySelectorAll('[data-filter]')) {
  const rows = [...list.querySelectorAll('tbody tr, :scope > li')]
  if (rows.length < WORTH_FILTERING) continue
  const label = document.createElement('label')
  label.className = 'filter'
  const name = document.createElement('span')
  name.textContent = list.dataset.filter
  const input = document.createElement('input')
  input.type = 'search'
  input.autocomplete = 'off'
  input.spellcheck = false
  input.addEventListener('input', () => filter(rows, input.value))
  label.append(name, input)
  list.before(label)
}

function filter(rows, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  let shown = 0
  for (const row of rows) {
    const content = row.textContent.toLowerCase()
    row.hidden = !words.every((word) => content.includes(word))
    if (!row.hidden) shown++
  }
  say(`${shown} shown`)
}
