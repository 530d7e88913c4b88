/**
 * A headless Chromium, steered over its debugging protocol, for tests that need a real browser:
 * `const browser = await Browser.start(); const page = await browser.open(url)`.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { chromiumArguments, findProgram } from './programs.ts'

export interface View {
  readonly width?: number
  readonly height?: number
  readonly isDark?: boolean
}

type Params = Readonly<Record<string, unknown>>

interface Reply {
  readonly id?: number
  readonly method?: string
  readonly params?: Params
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** A connection of the protocol: commands with answers, and events. */
class Wire {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, { resolve: (value: Reply) => void }>()
  #id = 0
  onEvent: (method: string, params: Params) => void = () => {}

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (bytes: Buffer) => {
      const reply = JSON.parse(bytes.toString()) as Reply
      if (reply.id === undefined) this.onEvent(reply.method ?? '', reply.params ?? {})
      else this.#waiting.get(reply.id)?.resolve(reply)
    })
  }

  static async open(url: string): Promise<Wire> {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return new Wire(socket)
  }

  async send(method: string, params: Params = {}): Promise<Record<string, unknown>> {
    const id = ++this.#id
    const answer = new Promise<Reply>((resolve) => this.#waiting.set(id, { resolve }))
    this.#socket.send(JSON.stringify({ id, method, params }))
    const reply = await answer
    this.#waiting.delete(id)
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`)
    return reply.result ?? {}
  }

  close(): void {
    this.#socket.close()
  }
}

export class Page {
  readonly #wire: Wire
  /** What the page wrote to its console as errors or warnings, and exceptions that nobody caught. */
  readonly complaints: string[] = []

  constructor(wire: Wire) {
    this.#wire = wire
    wire.onEvent = (method, params) => {
      if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded')
        this.complaints.push(JSON.stringify(params))
    }
  }

  /** Runs `expression` in the page, waits for it when it is a promise, and gives its value. */
  async evaluate(expression: string): Promise<unknown> {
    const done = await this.#wire.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    })
    if (done['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(done['exceptionDetails']))
    return (done['result'] as { value?: unknown }).value
  }

  /** Waits until `expression` is true in the page. */
  async until(expression: string, timeoutMs = 10_000): Promise<void> {
    const endMs = performance.now() + timeoutMs
    while ((await this.evaluate(`Boolean(${expression})`)) !== true) {
      if (performance.now() > endMs) throw new Error(`never true: ${expression}`)
      await sleep(50)
    }
  }

  /** The whole page as PNG. */
  async screenshot(): Promise<Buffer> {
    const shot = await this.#wire.send('Page.captureScreenshot', { captureBeyondViewport: true })
    return Buffer.from(String(shot['data']), 'base64')
  }

  close(): void {
    this.#wire.close()
  }
}

export class Browser {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #port: string

  private constructor(child: ChildProcess, folder: string, port: string) {
    this.#child = child
    this.#folder = folder
    this.#port = port
  }

  /** `more`: arguments of the program, such as what it is to trust. */
  static async start(...more: readonly string[]): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-chromium-'))
    const args = [
      ...chromiumArguments,
      ...more,
      `--user-data-dir=${folder}`,
      '--remote-debugging-port=0',
      'about:blank',
    ]
    const child = spawn(findProgram('chromium'), args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const port = await new Promise<string>((resolve, reject) => {
      let said = ''
      child.stderr.on('data', (bytes: Buffer) => {
        said += bytes.toString()
        const match = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(said)
        if (match !== null) resolve(match[1] ?? '')
      })
      child.once('exit', () => reject(new Error(`chromium ended: ${said.slice(-500)}`)))
    })
    return new Browser(child, folder, port)
  }

  async open(url: string, view: View = {}): Promise<Page> {
    const made = await fetch(`http://127.0.0.1:${this.#port}/json/new?about:blank`, { method: 'PUT' })
    const { webSocketDebuggerUrl } = (await made.json()) as { webSocketDebuggerUrl: string }
    const wire = await Wire.open(webSocketDebuggerUrl)
    const page = new Page(wire)
    const { width = 1280, height = 900, isDark = false } = view
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 }
    await wire.send('Page.enable')
    await wire.send('Runtime.enable')
    await wire.send('Log.enable')
    await wire.send('Emulation.setDeviceMetricsOverride', metrics)
    const features = [{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }]
    await wire.send('Emulation.setEmulatedMedia', { features })
    await wire.send('Page.navigate', { url })
    await page.until("location.href !== 'about:blank' && document.readyState === 'complete'", 20_000)
    return page
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await gone
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
