/** What stays open: a WebSocket that echoes and a stream of events. Both come back by themselves when an origin dies. */
const { el, Spark, millisecondsText, showFrom } = window.demo

const reconnectMs = 800
const spark = new Spark('ws-spark', 60)
let socket = null
/** Sent and not yet back: text → when. */
const waiting = new Map()
let many = null
let number = 0

function note(id, text, isBad = false) {
  el(id).textContent = text
  el(id).classList.toggle('bad', isBad)
}

function open() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/echo`)
  socket.addEventListener('message', (event) => onMessage(event.data))
  socket.addEventListener('close', () => {
    showFrom('ws-from', '')
    note('ws-note', 'Closed: the origin is gone. Another one is asked.', true)
    waiting.clear()
    many = null
    el('ws-many').disabled = false
    setTimeout(open, reconnectMs)
  })
}

function onMessage(text) {
  if (many !== null && text.startsWith('many ')) return onOfMany()
  const sentMs = waiting.get(text)
  if (sentMs === undefined) return onGreeting(text)
  waiting.delete(text)
  const ms = performance.now() - sentMs
  el('ws-ms').textContent = ms.toFixed(ms < 10 ? 1 : 0)
  spark.add(ms)
  if (text.startsWith('said ')) note('ws-note', `Came back: “${text.slice(5)}”`)
}

/** The first message of the origin tells its name. */
function onGreeting(text) {
  try {
    showFrom('ws-from', JSON.parse(text).origin)
    note('ws-note', 'A message a second.')
  } catch {
    note('ws-note', 'Something else came back than was sent.', true)
  }
}

function send(text) {
  if (socket.readyState !== WebSocket.OPEN) return
  waiting.set(text, performance.now())
  socket.send(text)
}

function onOfMany() {
  many.back++
  if (many.back < many.count) return
  const seconds = (performance.now() - many.startMs) / 1000
  const rate = Math.round(many.count / seconds).toLocaleString('en')
  note(
    'ws-note',
    `${many.count.toLocaleString('en')} messages there and back in ${millisecondsText(seconds * 1000)} ms: ${rate} a second.`,
  )
  many = null
  el('ws-many').disabled = false
}

el('ws-many').addEventListener('click', () => {
  if (socket.readyState !== WebSocket.OPEN || many !== null) return
  many = { count: 10_000, back: 0, startMs: performance.now() }
  el('ws-many').disabled = true
  for (let i = 0; i < many.count; i++) socket.send(`many ${i}`)
})
el('ws-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const text = el('ws-text').value.trim()
  if (text !== '') send(`said ${text}`)
  el('ws-text').value = ''
})
setInterval(() => send(`ping ${++number}`), 1000)
open()

const events = new EventSource('/api/events')
events.addEventListener('message', (event) => {
  const { origin, count, at } = JSON.parse(event.data)
  showFrom('sse-from', origin)
  el('sse-count').textContent = count
  const line = document.createElement('li')
  line.className = origin
  const words = document.createElement('span')
  words.textContent = `${origin} says ${count}`
  const time = document.createElement('time')
  time.textContent = new Date(at).toLocaleTimeString('en-GB')
  line.append(words, time)
  el('sse-list').prepend(line)
  while (el('sse-list').children.length > 6) el('sse-list').lastChild.remove()
  note('sse-note', 'Each event leaves the gate as it comes in.')
})
events.addEventListener('error', () => {
  showFrom('sse-from', '')
  note('sse-note', 'The stream broke off; the browser asks again.', true)
})
