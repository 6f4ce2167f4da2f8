/**
 * What the pages do with scripts: renew themselves in place, say when contact is lost, filter and sort by the URL's fragment,
 * copy commands. Text of the agent becomes elements only by DOMParser, and is merged into the page node by node, so that
 * focus, scroll and opened parts stay.
 */
export const script = `'use strict'
;(() => {
  const everyMs = 5000
  const root = document.documentElement
  root.classList.add('js')
  const policy = self.trustedTypes ? self.trustedTypes.createPolicy('pathproof', { createHTML: (t) => t }) : { createHTML: (t) => t }
  const parse = (text) => new DOMParser().parseFromString(policy.createHTML(text), 'text/html')
  const main = () => document.getElementById('main')
  const contact = document.getElementById('contact')
  let skewMs = Number(main().dataset.now) - Date.now()

  const own = new Set(['data-hidden', 'data-ago', 'open', 'aria-pressed'])
  const keyOf = (node) => (node.nodeType === 1 ? node.getAttribute('data-key') || node.id || '' : '')
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b)
  function morph(to, from) {
    if (to.nodeType !== 1) {
      if (to.nodeValue !== from.nodeValue) to.nodeValue = from.nodeValue
      return
    }
    if (to.hasAttribute('data-keep')) return
    for (const { name } of [...to.attributes]) if (!own.has(name) && !from.hasAttribute(name)) to.removeAttribute(name)
    for (const { name, value } of from.attributes) if (!own.has(name) && to.getAttribute(name) !== value) to.setAttribute(name, value)
    const keyed = new Map()
    for (const child of to.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child)
    let place = to.firstChild
    for (const next of [...from.childNodes]) {
      const known = keyOf(next) ? keyed.get(keyOf(next)) : null
      if (known && known !== place && alike(known, next)) to.insertBefore(known, place)
      const here = known && alike(known, next) ? known : place
      if (here && alike(here, next)) {
        morph(here, next)
        place = here.nextSibling
      } else to.insertBefore(document.importNode(next, true), place)
    }
    while (place) {
      const gone = place
      place = place.nextSibling
      gone.remove()
    }
  }

  function agoWords(seconds) {
    if (seconds < 0) return 'in ' + spanWords(-seconds)
    return seconds < 5 ? 'now' : spanWords(seconds) + ' ago'
  }
  function spanWords(s) {
    if (s < 90) return Math.round(s) + ' s'
    if (s < 5400) return Math.round(s / 60) + ' min'
    if (s < 129600) return Math.round(s / 3600) + ' h'
    return Math.round(s / 86400) + ' d'
  }
  function ages() {
    const now = Date.now() + skewMs
    for (const each of document.querySelectorAll('time[datetime]')) {
      const words = agoWords((now - Date.parse(each.dateTime)) / 1000)
      if (each.dataset.ago !== words) each.dataset.ago = words
    }
  }

  const wishes = () => new URLSearchParams(location.hash.startsWith('#') ? location.hash.slice(1) : '')
  function wish(changes) {
    const now = wishes()
    for (const [name, value] of Object.entries(changes)) if (value) now.set(name, value); else now.delete(name)
    const text = now.toString()
    history.replaceState(null, '', location.pathname + location.search + (text ? '#' + text : ''))
    show()
  }
  function show() {
    const tools = document.getElementById('tools')
    if (!tools) return
    const now = wishes()
    const words = (now.get('q') || '').toLowerCase().split(/\\s+/).filter(Boolean)
    const states = new Set((now.get('state') || '').split(',').filter(Boolean))
    const order = now.get('sort') || 'urgency'
    const input = tools.querySelector('input')
    if (document.activeElement !== input) input.value = now.get('q') || ''
    tools.querySelector('select').value = order
    for (const button of tools.querySelectorAll('button[data-state]')) button.setAttribute('aria-pressed', String(states.has(button.dataset.state)))
    let shown = 0
    let all = 0
    for (const target of document.querySelectorAll('.target')) {
      all++
      const fits = words.every((word) => target.dataset.search.includes(word)) && (states.size === 0 || target.dataset.states.split(' ').some((s) => states.has(s)))
      if (fits) shown++
      target.toggleAttribute('data-hidden', !fits)
    }
    const filtered = words.length > 0 || states.size > 0
    for (const group of document.querySelectorAll('.group')) {
      const any = group.querySelector('.target:not([data-hidden])') !== null
      group.toggleAttribute('data-hidden', filtered && !any)
      const folded = group.querySelector('details.fold')
      if (folded && filtered && any && !folded.open) { folded.open = true; folded.dataset.byFilter = '' }
      if (folded && !filtered && 'byFilter' in folded.dataset) { folded.open = false; delete folded.dataset.byFilter }
      sort(group.querySelector('.list'), order)
    }
    document.getElementById('shown').textContent = filtered ? shown + ' of ' + all + ' targets shown' : ''
  }
  const orders = {
    urgency: (a, b) => a.dataset.urgency - b.dataset.urgency || compare(a.dataset.key, b.dataset.key),
    name: (a, b) => compare(a.dataset.key, b.dataset.key),
    change: (a, b) => b.dataset.changed - a.dataset.changed || compare(a.dataset.key, b.dataset.key),
  }
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0)
  function sort(list, order) {
    if (!list) return
    const now = [...list.children]
    const next = now.toSorted(orders[order] || orders.urgency)
    if (now.every((each, i) => each === next[i])) return
    const focus = document.activeElement
    for (const each of next) list.append(each)
    if (focus && list.contains(focus)) focus.focus({ preventScroll: true })
  }

  function say(text, lost) {
    if (contact.textContent !== text) contact.textContent = text
    root.classList.toggle('lost', lost)
    contact.setAttribute('role', lost ? 'alert' : 'status')
  }
  const clockWords = (ms) => new Date(ms).toISOString().slice(11, 19) + ' UTC'
  let lastMs = Date.now()
  let running = false
  async function ask(path, as) {
    const answer = await fetch(path, { cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(20000) })
    if (!answer.ok && !(as === 'text' && answer.status === 404)) throw new Error('status ' + answer.status)
    return answer[as]()
  }
  async function renew() {
    if (running || document.visibilityState === 'hidden') return
    running = true
    try {
      const { changes, version } = main().dataset
      if (changes) {
        const now = await ask(changes, 'json')
        skewMs = now.nowMs - Date.now()
        if (now.version !== version) await take()
      } else await take()
      lastMs = Date.now()
      say('Renewed every ' + everyMs / 1000 + ' s', false)
    } catch (error) {
      say('Contact with the agent lost: what stands here is of ' + clockWords(lastMs + skewMs) + ' (' + error.message + ')', true)
    }
    running = false
    ages()
  }
  async function take() {
    const next = parse(await ask(location.pathname, 'text'))
    const body = next.getElementById('main')
    if (!body) throw new Error('not a page of this agent')
    document.title = next.title
    morph(main(), body)
    skewMs = Number(body.dataset.now) - Date.now()
    show()
  }

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button')
    if (!button) return
    if (button.dataset.state) {
      const states = new Set((wishes().get('state') || '').split(',').filter(Boolean))
      if (!states.delete(button.dataset.state)) states.add(button.dataset.state)
      wish({ state: [...states].join(',') })
    } else if (button.classList.contains('copy')) {
      const code = button.parentElement.querySelector('code')
      try {
        await navigator.clipboard.writeText(code.textContent)
        button.textContent = 'Copied'
      } catch {
        const range = document.createRange()
        range.selectNodeContents(code)
        const selection = getSelection()
        selection.removeAllRanges()
        selection.addRange(range)
        button.textContent = 'Selected: press Ctrl+C'
      }
      setTimeout(() => { button.textContent = 'Copy' }, 3000)
    }
  })
  document.addEventListener('input', (event) => {
    if (event.target.matches('#tools input')) wish({ q: event.target.value.trim() })
  })
  document.addEventListener('change', (event) => {
    if (event.target.matches('#tools select')) wish({ sort: event.target.value === 'urgency' ? '' : event.target.value })
  })
  document.addEventListener('keydown', (event) => {
    const input = document.querySelector('#tools input')
    if (!input || event.ctrlKey || event.metaKey || event.altKey) return
    const typing = event.target.matches('input, select, textarea')
    if (event.key === '/' && !typing) {
      event.preventDefault()
      input.focus()
      input.select()
    } else if (event.key === 'Escape' && (typing || wishes().size > 0)) {
      input.value = ''
      wish({ q: '', state: '' })
      input.blur()
    }
  })
  addEventListener('hashchange', show)
  document.addEventListener('visibilitychange', () => void renew())
  say('Renewed every ' + everyMs / 1000 + ' s', false)
  show()
  ages()
  setInterval(() => void renew(), everyMs)
  setInterval(ages, 1000)
})()
`
