/**
 * Load at a constant rate: `node paced-load.ts PORT PATH RATE SECONDS CONNECTIONS` prints one line of JSON.
 *
 * A request's latency counts from when it was due, not from when a connection was free to carry it: a proxy that
 * stalls is charged for all the requests that it held up (what wrk, which waits for each answer, leaves out).
 */
import { connect, type Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { AnswerReader } from './answer-reader.ts'

export interface PacedResult {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly errors: number
}

export interface PacedLoad {
  readonly port: number
  readonly path: string
  /** Requests a second. */
  readonly rate: number
  readonly seconds: number
  readonly connections: number
}

class PacedRun {
  readonly #load: PacedLoad
  readonly #request: string
  readonly #free: Socket[] = []
  readonly #sockets: Socket[] = []
  readonly #latencies: number[] = []
  #startMs = 0
  #sent = 0
  #errors = 0

  constructor(load: PacedLoad) {
    this.#load = load
    this.#request = `GET ${load.path} HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\n\r\n`
  }

  async run(): Promise<PacedResult> {
    await Promise.all(Array.from({ length: this.#load.connections }, () => this.#open()))
    this.#startMs = performance.now()
    await this.#sendAll()
    for (const socket of this.#sockets) socket.destroy()
    return this.#result()
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#load.port, '127.0.0.1')
      socket.setNoDelay(true)
      socket.once('connect', () => {
        this.#sockets.push(socket)
        this.#free.push(socket)
        resolve()
      })
      socket.once('error', reject)
      this.#listen(socket)
    })
  }

  #listen(socket: Socket): void {
    const reader = new AnswerReader((status) => {
      this.#latencies.push(performance.now() - (dueMs.get(socket) ?? 0))
      if (status !== 200) this.#errors++
      this.#free.push(socket)
    })
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes)
      this.#sendDue()
    })
    socket.on('close', () => {
      if (!socket.destroyed || socket.errored !== null) this.#errors++
    })
  }

  #sendDue(): void {
    const { rate, seconds } = this.#load
    const due = Math.min(rate * seconds, ((performance.now() - this.#startMs) / 1000) * rate)
    while (this.#sent < due) {
      const socket = this.#free.pop()
      if (socket === undefined) return
      dueMs.set(socket, this.#startMs + (this.#sent / rate) * 1000)
      this.#sent++
      socket.write(this.#request)
    }
  }

  /** Until all were sent and answered, or one second after the last was due. */
  #sendAll(): Promise<void> {
    const { rate, seconds } = this.#load
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        this.#sendDue()
        const isOver = performance.now() - this.#startMs > (seconds + 1) * 1000
        if (this.#latencies.length < Math.floor(rate * seconds) && !isOver) return
        clearInterval(timer)
        resolve()
      }, 1)
    })
  }

  #result(): PacedResult {
    const sorted = Float64Array.from(this.#latencies).sort()
    const at = (part: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
    const missing = Math.floor(this.#load.rate * this.#load.seconds) - sorted.length
    return {
      requests: sorted.length,
      seconds: this.#load.seconds,
      p50: at(0.5),
      p99: at(0.99),
      p999: at(0.999),
      errors: this.#errors + missing,
    }
  }
}

/** When the request that a connection carries was due. */
const dueMs = new WeakMap<Socket, number>()

export function runPaced(load: PacedLoad): Promise<PacedResult> {
  return new PacedRun(load).run()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [port = '', path = '/', rate = '', seconds = '', connections = ''] = process.argv.slice(2)
  const numbers = { port: Number(port), rate: Number(rate), seconds: Number(seconds) }
  const result = await runPaced({ ...numbers, path, connections: Number(connections) })
  console.log(JSON.stringify(result))
}
