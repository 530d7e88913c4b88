/** The fields of a request and its answer, as each side has them: what Headgate added, and what it kept back. */
const { el, segments } = window.demo

const addedByGate = /^(x-forwarded-|forwarded$|via$|x-request-id$|cdn-loop$)/i
/** What belongs to one connection, and so is told anew on each (RFC 9110 §7.6.1), or is made by the sender of an answer. */
const ofConnection = /^(connection|keep-alive|transfer-encoding|date|content-length)$/i
let side = 'request'
let last = null

function row(kind, name, value, tag) {
  const line = document.createElement('tr')
  line.className = kind
  for (const text of [name, value]) line.insertCell().textContent = text
  const cell = line.insertCell()
  if (tag !== '') {
    const mark = document.createElement('span')
    mark.className = 'tag'
    mark.textContent = tag
    cell.append(mark)
  }
  return line
}

function startRow(text) {
  const line = document.createElement('tr')
  line.className = 'start'
  const cell = line.insertCell()
  cell.colSpan = 3
  cell.textContent = text
  return line
}

function requestRows() {
  const { request } = last.said
  const rows = request.fields.map(([name, value]) => {
    if (addedByGate.test(name)) return row('added', name, value, 'added')
    return row('', name, value, ofConnection.test(name) ? 'of this hop' : '')
  })
  if (last.forged !== '')
    rows.push(row('held', 'X-Forwarded-For', `${last.forged} (sent by this page)`, 'not believed'))
  return [startRow(request.line), ...rows]
}

function responseRows() {
  const { fields } = last.said.response
  const rows = fields
    .filter(([name]) => !last.got.has(name.toLowerCase()))
    .map(([name, value]) => row('held', name, value, 'kept back'))
  for (const [name, value] of last.got) {
    const isOfOrigin = fields.some(([other]) => other.toLowerCase() === name)
    const kind = isOfOrigin || ofConnection.test(name) ? '' : 'added'
    rows.push(
      row(kind, name, value, kind === 'added' ? 'added' : ofConnection.test(name) ? 'of this hop' : ''),
    )
  }
  return [startRow(`HTTP/1.1 ${last.status}`), ...rows]
}

const leads = {
  request: (origin) =>
    `What ${origin} was sent. The fields in colour are Headgate’s; what a client claims in them is not believed.`,
  response: (origin) =>
    `What ${origin} answered and what arrived here. Who made the answer is not this page’s business.`,
}

function show() {
  if (last === null) return
  el('fields-lead').textContent = leads[side](last.said.origin)
  el('fields').tBodies[0].replaceChildren(...(side === 'request' ? requestRows() : responseRows()))
}

async function ask() {
  const forged = el('forge').checked ? '203.0.113.9' : ''
  const headers = forged === '' ? {} : { 'X-Forwarded-For': forged }
  try {
    const answer = await fetch('/api/hello?from=page', { headers, cache: 'no-store' })
    const got = new Map(answer.headers)
    last = { said: await answer.json(), got, status: `${answer.status} ${answer.statusText}`, forged }
    show()
  } catch {
    el('fields-lead').textContent = 'No origin answered.'
  }
}

segments(document.querySelector('[aria-label="Direction"]'), (chosen) => {
  side = chosen.side
  show()
})
el('ask').addEventListener('click', ask)
el('forge').addEventListener('change', ask)
void ask()
