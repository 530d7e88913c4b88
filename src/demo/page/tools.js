/** What the parts of the page share: finding elements, colours, numbers as text, small charts. */
const origins = ['alder', 'birch', 'cedar']

const el = (id) => document.getElementById(id)

/** The colour of a custom property as the canvas wants it: light-dark() must be resolved by an element first. */
const probe = document.createElement('span')
document.body.append(probe)
let colours = new Map()
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  colours = new Map()
})
function colour(name) {
  let value = colours.get(name)
  if (value === undefined) {
    probe.style.color = `var(--${name})`
    value = getComputedStyle(probe).color
    colours.set(name, value)
  }
  return value
}

/** Makes a canvas as fine as the screen, and gives what draws on it and its size in CSS pixels. */
function prepare(canvas) {
  const width = canvas.clientWidth
  const height = canvas.clientHeight
  const scale = devicePixelRatio || 1
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
  }
  const pen = canvas.getContext('2d')
  pen.setTransform(scale, 0, 0, scale, 0, 0)
  pen.clearRect(0, 0, width, height)
  return { pen, width, height }
}

/** A line of the last values over a soft ground; the newest at the right. */
class Spark {
  constructor(id, size) {
    this.canvas = el(id)
    this.size = size
    this.values = []
    this.draw()
    addEventListener('resize', () => this.draw())
  }

  add(value) {
    this.values.push(value)
    if (this.values.length > this.size) this.values.shift()
    this.draw()
  }

  clear() {
    this.values = []
    this.draw()
  }

  draw() {
    const { pen, width, height } = prepare(this.canvas)
    const floor = height - 1.5
    pen.strokeStyle = colour('line')
    pen.lineWidth = 1
    pen.beginPath()
    pen.moveTo(0, floor + 0.5)
    pen.lineTo(width, floor + 0.5)
    pen.stroke()
    if (this.values.length < 2) return
    const top = Math.max(...this.values) * 1.12 || 1
    const step = width / (this.size - 1)
    const first = width - step * (this.values.length - 1)
    const line = new Path2D()
    for (const [i, value] of this.values.entries())
      line.lineTo(first + i * step, floor - (value / top) * (height - 4))
    const ground = new Path2D(line)
    ground.lineTo(width, floor)
    ground.lineTo(first, floor)
    pen.globalAlpha = 0.13
    pen.fillStyle = colour('water')
    pen.fill(ground)
    pen.globalAlpha = 1
    pen.strokeStyle = colour('water')
    pen.lineWidth = 1.75
    pen.lineJoin = 'round'
    pen.stroke(line)
  }
}

function bytesText(bytes) {
  if (bytes >= 1024 ** 3) return `${(bytes / 1024 ** 3).toFixed(2)} GiB`
  return `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MiB`
}

function millisecondsText(ms) {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0)
}

/** Puts an origin's name and colour on an element of class `from`. */
function showFrom(id, origin) {
  const element = el(id)
  element.textContent = origin
  element.className = `from ${origins.includes(origin) ? origin : ''}`
}

/** A row of buttons of which one is pressed; `onChoose` gets its data. */
function segments(container, onChoose) {
  container.addEventListener('click', (event) => {
    const chosen = event.target.closest('button')
    if (chosen === null) return
    for (const button of container.querySelectorAll('button'))
      button.setAttribute('aria-pressed', String(button === chosen))
    onChoose(chosen.dataset)
  })
}

/** Reduced motion: nothing flies. */
const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches

window.demo = { origins, el, colour, prepare, Spark, bytesText, millisecondsText, showFrom, segments, isCalm }
