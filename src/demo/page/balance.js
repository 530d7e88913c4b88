/** Requests and who answers them: the flow from this browser through the gate to the origins, counts, and the strip. */
const { origins, el, colour, prepare, millisecondsText, isCalm } = window.demo

/** As many as a browser has connections to one host, streams aside. */
const lanes = 4
const keepIntervalMs = 40
const counts = new Map(origins.map((name) => [name, 0]))
/** Who answered, oldest first; 'failed' for nobody. */
let answers = []
let latencies = []
let failed = 0
let states = []
const dots = []
const dotsMax = 140

const rows = new Map()
for (const name of origins) {
  const row = document.createElement('li')
  row.className = `origin ${name}`
  row.innerHTML =
    '<div><h3></h3><p class="where"></p></div><div class="count"><b>0</b><span>0 %</span></div>' +
    '<button type="button" class="kill">Kill</button><i class="share"></i>'
  row.querySelector('h3').textContent = name
  row.querySelector('button').addEventListener('click', () => toggle(name))
  el('origins').append(row)
  rows.set(name, row)
}

async function toggle(name) {
  const button = rows.get(name).querySelector('button')
  button.disabled = true
  await fetch(`/desk/toggle?origin=${name}`, { method: 'POST', headers: { 'X-Demo': '1' } }).catch(() => {})
  button.disabled = false
}

function showStates() {
  const running = states.filter((state) => state.isRunning).length
  for (const state of states) {
    const row = rows.get(state.name)
    row.classList.toggle('down', !state.isRunning)
    row.querySelector('.where').textContent = state.isRunning
      ? `pid ${state.pid} · :${state.port}`
      : 'not running'
    row.querySelector('button').textContent = state.isRunning ? 'Kill' : 'Start'
    row
      .querySelector('button')
      .setAttribute('aria-label', `${state.isRunning ? 'Kill' : 'Start'} ${state.name}`)
  }
  el('running').textContent = `${running} of ${states.length} running`
  el('running').className = `pill ${running === states.length ? 'good' : running === 0 ? 'bad' : 'partly'}`
}

const desk = new EventSource('/desk/events')
desk.addEventListener('message', (event) => {
  states = JSON.parse(event.data)
  showStates()
  draw()
})
desk.addEventListener('error', () => {
  el('running').textContent = 'no connection'
  el('running').className = 'pill bad'
})

async function sendOne() {
  const startMs = performance.now()
  let origin = 'failed'
  try {
    const answer = await fetch('/api/who', { cache: 'no-store' })
    const text = await answer.text()
    if (answer.ok && counts.has(text)) origin = text
  } catch {
    // Counted as failed.
  }
  latencies.push(performance.now() - startMs)
  if (latencies.length > 2000) latencies.shift()
  answers.push(origin)
  if (answers.length > 4000) answers = answers.slice(-2000)
  if (origin === 'failed') failed++
  else counts.set(origin, counts.get(origin) + 1)
  launch(origin)
}

let isBusy = false
async function sendMany(count) {
  if (isBusy) return
  isBusy = true
  let left = count
  latencies = []
  const startMs = performance.now()
  const lane = async () => {
    while (left-- > 0) await sendOne()
  }
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, lane))
  if (count > 1)
    el('f-rate').textContent = Math.round((count * 1000) / (performance.now() - startMs)).toLocaleString('en')
  isBusy = false
}

let keepTimer = 0
let pending = 0
function keepSending(isOn) {
  clearInterval(keepTimer)
  keepTimer = isOn
    ? setInterval(async () => {
        if (pending >= lanes) return
        pending++
        await sendOne()
        pending--
      }, keepIntervalMs)
    : 0
  el('keep').setAttribute('aria-pressed', String(isOn))
}

for (const button of document.querySelectorAll('[data-send]'))
  button.addEventListener('click', () => sendMany(Number(button.dataset.send)))
el('keep').addEventListener('click', () => keepSending(keepTimer === 0))
el('reset').addEventListener('click', () => {
  for (const name of origins) counts.set(name, 0)
  answers = []
  latencies = []
  failed = 0
  el('f-rate').textContent = '–'
})

function showFigures() {
  const total = origins.reduce((sum, name) => sum + counts.get(name), 0)
  for (const name of origins) {
    const share = total === 0 ? 0 : (counts.get(name) * 100) / total
    const row = rows.get(name)
    row.querySelector('b').textContent = counts.get(name).toLocaleString('en')
    row.querySelector('.count span').textContent = `${share.toFixed(share > 0 && share < 99.95 ? 1 : 0)} %`
    row.querySelector('.share').style.width = `calc((100% - 4px) * ${(share / 100).toFixed(4)})`
  }
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
  el('f-answered').textContent = total.toLocaleString('en')
  el('f-failed').textContent = failed.toLocaleString('en')
  el('f-failed').className = failed > 0 ? 'bad' : ''
  el('f-median').textContent = sorted.length === 0 ? '–' : `${millisecondsText(at(0.5))} ms`
  el('f-p99').textContent = sorted.length < 20 ? '–' : `${millisecondsText(at(0.99))} ms`
}

/** Squares from left to right, line by line; when all places are taken the oldest go. */
function drawStrip() {
  const { pen, width, height } = prepare(el('strip'))
  const size = 9
  const gap = 3
  const columns = Math.floor((width + gap) / (size + gap))
  const lines = Math.floor((height + gap) / (size + gap))
  const places = columns * lines
  // Whole lines are dropped, so that what stays does not jump.
  const dropped = Math.max(0, Math.ceil((answers.length - places) / columns)) * columns
  for (let i = 0; i < places; i++) {
    const name = answers[dropped + i]
    pen.fillStyle = colour(name === undefined ? 'sunken' : name === 'failed' ? 'bad' : name)
    pen.beginPath()
    pen.roundRect((i % columns) * (size + gap), Math.floor(i / columns) * (size + gap), size, size, 2.5)
    pen.fill()
  }
}

/** Where things stand in the flow, in the canvas's pixels. */
function placesOf(width, height) {
  const isNarrow = width < 120
  const top = el('flow').getBoundingClientRect().top
  const ends = origins.map((name) => {
    const box = rows.get(name).getBoundingClientRect()
    return { name, x: width, y: box.top + box.height / 2 - top }
  })
  return {
    isNarrow,
    client: { x: isNarrow ? -8 : 34, y: height / 2 },
    gate: { x: isNarrow ? 20 : width * 0.5, y: height / 2 },
    ends,
  }
}

function pointOn(places, end, part) {
  // 0 at the origin, 1 at the browser; the gate lies in between.
  const { client, gate } = places
  if (part > 0.5) {
    const along = (part - 0.5) * 2
    return { x: gate.x + (client.x - gate.x) * along, y: gate.y }
  }
  const along = part * 2
  const bend = (end.x - gate.x) * 0.55
  const u = 1 - along
  const x =
    u ** 3 * end.x +
    3 * u * u * along * (end.x - bend) +
    3 * u * along * along * (gate.x + bend) +
    along ** 3 * gate.x
  const y = u ** 3 * end.y + 3 * u * u * along * end.y + 3 * u * along * along * gate.y + along ** 3 * gate.y
  return { x, y }
}

function drawLines(pen, places) {
  const { client, gate, ends } = places
  pen.lineWidth = 2
  pen.strokeStyle = colour('line')
  pen.beginPath()
  pen.moveTo(client.x, client.y)
  pen.lineTo(gate.x, gate.y)
  pen.stroke()
  for (const end of ends) {
    const isDown = states.some((state) => state.name === end.name && !state.isRunning)
    const bend = (end.x - gate.x) * 0.55
    pen.setLineDash(isDown ? [3, 6] : [])
    pen.beginPath()
    pen.moveTo(gate.x, gate.y)
    pen.bezierCurveTo(gate.x + bend, gate.y, end.x - bend, end.y, end.x, end.y)
    pen.stroke()
  }
  pen.setLineDash([])
}

function drawLabel(pen, x, y, title, text) {
  pen.textAlign = 'center'
  pen.fillStyle = colour('ink')
  pen.font = '600 14px system-ui, sans-serif'
  pen.fillText(title, x, y)
  pen.fillStyle = colour('soft')
  pen.font = '12px ui-monospace, Menlo, Consolas, monospace'
  pen.fillText(text, x, y + 18)
}

function drawNodes(pen, places) {
  const { isNarrow, client, gate } = places
  const posts = isNarrow ? 12 : 19
  pen.lineCap = 'round'
  pen.fillStyle = colour('surface')
  pen.fillRect(gate.x - posts, gate.y - posts - 6, posts * 2, posts * 2 + 12)
  pen.strokeStyle = colour('ink')
  pen.lineWidth = isNarrow ? 2.5 : 3.5
  pen.beginPath()
  for (const side of [-posts, posts]) {
    pen.moveTo(gate.x + side, gate.y - posts - 6)
    pen.lineTo(gate.x + side, gate.y + posts + 6)
  }
  pen.moveTo(gate.x - posts, gate.y - posts + 2)
  pen.lineTo(gate.x + posts, gate.y - posts + 2)
  pen.stroke()
  if (isNarrow) return
  pen.lineWidth = 2
  pen.fillStyle = colour('surface')
  pen.beginPath()
  pen.roundRect(client.x - 26, client.y - 19, 52, 38, 7)
  pen.fill()
  pen.stroke()
  pen.beginPath()
  pen.moveTo(client.x - 26, client.y - 8)
  pen.lineTo(client.x + 26, client.y - 8)
  pen.stroke()
  drawLabel(pen, client.x + 4, client.y + 42, 'Browser', 'you')
  drawLabel(pen, gate.x, gate.y + 48, 'Headgate', `:${location.port || 80}`)
}

function drawDots(pen, places, nowMs) {
  for (let i = dots.length - 1; i >= 0; i--) {
    const dot = dots[i]
    const part = (nowMs - dot.startMs) / 700
    if (part >= 1) {
      dots.splice(i, 1)
      continue
    }
    const end = places.ends.find((one) => one.name === dot.name)
    if (end === undefined) continue
    const at = pointOn(places, end, part)
    pen.fillStyle = colour(dot.name)
    pen.beginPath()
    pen.arc(at.x, at.y, 4.5, 0, Math.PI * 2)
    pen.fill()
  }
}

function launch(name) {
  if (!isCalm && name !== 'failed' && dots.length < dotsMax) dots.push({ name, startMs: performance.now() })
  draw()
}

let isDrawing = false
function draw() {
  if (isDrawing) return
  isDrawing = true
  requestAnimationFrame((nowMs) => {
    isDrawing = false
    const { pen, width, height } = prepare(el('flow'))
    const places = placesOf(width, height)
    drawLines(pen, places)
    drawDots(pen, places, nowMs)
    drawNodes(pen, places)
    drawStrip()
    showFigures()
    if (dots.length > 0) draw()
  })
}
addEventListener('resize', draw)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
el('reset').addEventListener('click', draw)
draw()
// Something to see at once.
void sendMany(90)
