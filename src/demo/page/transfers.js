/** A large download and a large upload, with progress and rate. */
const { el, Spark, bytesText, showFrom, segments } = window.demo

const sampleMs = 150

/** Turns bytes so far into a rate, a line and a bar, a few times a second. */
class Meter {
  constructor(name) {
    this.name = name
    this.spark = new Spark(`${name}-spark`, 60)
  }

  start(bytesWanted) {
    this.wanted = bytesWanted
    this.startMs = this.sampledMs = performance.now()
    this.sampled = 0
    this.spark.clear()
    this.show(0)
  }

  show(bytes) {
    const nowMs = performance.now()
    el(`${this.name}-bar`).value = this.wanted === 0 ? 0 : bytes / this.wanted
    if (nowMs - this.sampledMs < sampleMs) return
    const rate = (bytes - this.sampled) / (nowMs - this.sampledMs) / 1000
    this.sampled = bytes
    this.sampledMs = nowMs
    this.spark.add(rate)
    el(`${this.name}-rate`).textContent = rate.toFixed(0)
    this.note(`${bytesText(bytes)} of ${bytesText(this.wanted)}`)
  }

  end(bytes) {
    const seconds = (performance.now() - this.startMs) / 1000
    el(`${this.name}-bar`).value = bytes / this.wanted
    el(`${this.name}-rate`).textContent = (bytes / seconds / 1e6).toFixed(0)
    return seconds
  }

  note(text, isBad = false) {
    el(`${this.name}-note`).textContent = text
    el(`${this.name}-note`).classList.toggle('bad', isBad)
  }
}

const down = new Meter('down')
let downBytes = 1024 ** 3
let downAbort = null

async function download() {
  downAbort = new AbortController()
  el('down-go').textContent = 'Cancel'
  down.start(downBytes)
  let got = 0
  try {
    const answer = await fetch(`/api/download?bytes=${downBytes}`, {
      signal: downAbort.signal,
      cache: 'no-store',
    })
    const origin = answer.headers.get('x-origin') ?? ''
    showFrom('down-from', origin)
    const reader = answer.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      got += value.length
      down.show(got)
    }
    const seconds = down.end(got)
    down.note(`${bytesText(got)} from ${origin} in ${seconds.toFixed(1)} s.`)
  } catch {
    down.end(got)
    const wasAsked = downAbort.signal.aborted
    down.note(
      `${wasAsked ? 'Cancelled' : 'Broken off, and seen to be so,'} after ${bytesText(got)}.`,
      !wasAsked,
    )
  }
  downAbort = null
  el('down-go').textContent = 'Start'
}

segments(el('down-size'), (chosen) => {
  downBytes = Number(chosen.bytes)
})
el('down-go').addEventListener('click', () => {
  if (downAbort === null) void download()
  else downAbort.abort()
})

const up = new Meter('up')
let upBytes = 100 * 1024 ** 2
let upRequest = null
/** Random bytes of which an upload is made up, again and again. */
const block = new Uint8Array(1024 ** 2)
for (let i = 0; i < block.length; i += 65_536) crypto.getRandomValues(block.subarray(i, i + 65_536))

function blobOf(bytes) {
  const parts = Array.from({ length: Math.floor(bytes / block.length) }, () => block)
  return new Blob(parts)
}

async function sha256(blob) {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function onUploaded(blob, said) {
  const seconds = up.end(said.bytes)
  showFrom('up-from', said.origin)
  const told = `${bytesText(said.bytes)} received by ${said.origin} in ${seconds.toFixed(1)} s.`
  up.note(told)
  const isEqual = (await sha256(blob)) === said.sha256
  up.note(`${told} SHA-256 ${isEqual ? 'equal' : 'DIFFERS'}: ${said.sha256.slice(0, 16)}…`, !isEqual)
}

function upload() {
  const blob = blobOf(upBytes)
  upRequest = new XMLHttpRequest()
  upRequest.open('POST', '/api/upload')
  upRequest.upload.addEventListener('progress', (event) => up.show(event.loaded))
  upRequest.addEventListener('load', () => {
    if (upRequest.status === 200) void onUploaded(blob, JSON.parse(upRequest.responseText))
    else up.note(`The answer was ${upRequest.status}.`, true)
  })
  upRequest.addEventListener('error', () => up.note('Broken off.', true))
  upRequest.addEventListener('abort', () => up.note('Cancelled.'))
  upRequest.addEventListener('loadend', () => {
    upRequest = null
    el('up-go').textContent = 'Start'
  })
  el('up-go').textContent = 'Cancel'
  showFrom('up-from', '')
  up.start(upBytes)
  upRequest.send(blob)
}

segments(el('up-size'), (chosen) => {
  upBytes = Number(chosen.bytes)
})
el('up-go').addEventListener('click', () => {
  if (upRequest === null) upload()
  else upRequest.abort()
})
