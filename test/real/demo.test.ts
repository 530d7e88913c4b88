/** The demo, as `npm start` runs it: the program, its page in a real browser, its origins killed and started again. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Browser } from '../browser.ts'
import { needs } from '../programs.ts'

const program = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))
let demo: ChildProcess
let url = ''

before(async () => {
  demo = spawn(process.execPath, [program, 'demo', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  url = await new Promise<string>((resolve, reject) => {
    let said = ''
    demo.stdout?.on('data', (bytes: Buffer) => {
      said += bytes.toString()
      const match = /http:\/\/localhost:(\d+)/.exec(said)
      if (match !== null) resolve(`http://127.0.0.1:${match[1]}`)
    })
    demo.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${said}`)))
  })
})

after(() => {
  demo.kill('SIGKILL')
})

interface Hello {
  readonly origin: string
  readonly pid: number
  readonly request: { readonly fields: readonly [string, string][] }
}

async function hello(fields: Record<string, string> = {}): Promise<Hello> {
  const answer = await fetch(`${url}/api/hello`, { headers: fields })
  assert.equal(answer.headers.get('server'), null)
  assert.equal(answer.headers.get('x-powered-by'), null)
  return (await answer.json()) as Hello
}

async function toggle(): Promise<number> {
  const answer = await fetch(`${url}/desk/toggle?origin=birch`, {
    method: 'POST',
    headers: { 'X-Demo': '1' },
  })
  return answer.status
}

test('the page loads nothing from elsewhere and allows no script but its own', async () => {
  const answer = await fetch(url)
  const html = await answer.text()
  const policy = answer.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.doesNotMatch(policy, /unsafe/)
  assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//)
  assert.doesNotMatch(html, /\{\{\w+\}\}/)
})

test('the three origins answer in turns, and what a client claims about itself is not passed on', async () => {
  const seen: string[] = []
  for (let i = 0; i < 6; i++) {
    const { origin, request } = await hello({ 'X-Forwarded-For': '203.0.113.9' })
    seen.push(origin)
    const fields = new Map(request.fields.map(([name, value]) => [name.toLowerCase(), value]))
    assert.equal(fields.get('x-forwarded-for'), '127.0.0.1')
  }
  assert.deepEqual([...seen].sort(), ['alder', 'alder', 'birch', 'birch', 'cedar', 'cedar'])
})

test('an origin is killed only by a POST that carries the field of the page', async () => {
  const without = await fetch(`${url}/desk/toggle?origin=birch`, { method: 'POST' })
  assert.equal(without.status, 403)
  const get = await fetch(`${url}/desk/toggle?origin=birch`, { headers: { 'X-Demo': '1' } })
  assert.equal(get.status, 403)
})

test('while an origin is dead the others answer everything, and its share comes back with it', async () => {
  assert.equal(await toggle(), 204)
  for (let i = 0; i < 30; i++) assert.notEqual((await hello()).origin, 'birch')
  assert.equal(await toggle(), 204)
  const endMs = performance.now() + 5000
  let back = false
  while (!back && performance.now() < endMs) back = (await hello()).origin === 'birch'
  assert.ok(back, 'birch got no request after its return')
})

test('a download has as many bytes as were asked for, and an upload arrives whole', async () => {
  const down = await fetch(`${url}/api/download?bytes=30000001`)
  assert.equal((await down.arrayBuffer()).byteLength, 30_000_001)
  const up = await fetch(`${url}/api/upload`, { method: 'POST', body: new Uint8Array(5_000_000) })
  assert.equal(((await up.json()) as { bytes: number }).bytes, 5_000_000)
})

test(
  'the page works in Chromium: requests, WebSocket, events, no complaint',
  { skip: needs('chromium') },
  async () => {
    const browser = await Browser.start()
    try {
      const page = await browser.open(url)
      await page.until("document.getElementById('f-answered').textContent === '90'")
      assert.equal(await page.evaluate("document.getElementById('f-failed').textContent"), '0')
      await page.until("document.querySelectorAll('#sse-list li').length >= 2")
      await page.until("document.getElementById('ws-ms').textContent !== '–'")
      await page.evaluate("document.getElementById('ws-many').click()")
      await page.until("document.getElementById('ws-note').textContent.startsWith('10,000 messages')", 20_000)
      await page.until("document.querySelectorAll('#fields tr.added').length >= 4")
      assert.deepEqual(page.complaints, [])
      page.close()
    } finally {
      await browser.close()
    }
  },
)

test('the page fits a phone: nothing is wider than the screen', { skip: needs('chromium') }, async () => {
  const browser = await Browser.start()
  try {
    const page = await browser.open(url, { width: 360, height: 740 })
    await page.until("document.querySelectorAll('#fields tr').length > 4")
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
    page.close()
  } finally {
    await browser.close()
  }
})

test('a port that is taken is told with the way out, and nothing is left running', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  const second = spawn(process.execPath, [program, 'demo', '--port', String(port)], { stdio: 'pipe' })
  let said = ''
  second.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const code = await new Promise((resolve) => second.once('exit', resolve))
  taken.close()
  assert.equal(code, 1)
  assert.match(said, new RegExp(`port ${port} is taken`))
  assert.match(said, /--port \d+/)
})

test('TERM ends the demo with code 0 and its origins with it', async () => {
  const pids: number[] = []
  for (let i = 0; i < 3; i++) pids.push((await hello()).pid)
  const gone = new Promise((resolve) => demo.once('exit', resolve))
  demo.kill('SIGTERM')
  assert.equal(await gone, 0)
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})
