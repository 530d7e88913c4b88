/**
 * Headgate with automatic certificates from Pebble, as a process of its own, and clients that shake hands with it.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import * as tls from 'node:tls'
import { EdgeProcess } from './edge-process.ts'
import { freePort } from './free-port.ts'
import { Pebble, type PebbleOptions } from './pebble.ts'

export interface AcmeEdgeOptions {
  readonly pebble?: PebbleOptions
  readonly workers?: number
  /** Beside directory and roots. */
  readonly acme?: object
  readonly hosts?: readonly string[]
}

export interface Seen {
  /** '' when the handshake was done. */
  readonly error: string
  readonly serial: string
  readonly names: string
  readonly tookMs: number
}

/** One handshake, without a request. Verified against `ca` where it is given. */
export function shakeHands(port: number, servername: string, ca = ''): Promise<Seen> {
  const startMs = performance.now()
  const trust = ca === '' ? { rejectUnauthorized: false } : { ca }
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, ...trust })
    socket.once('secureConnect', () => {
      const { serialNumber, subjectaltname = '' } = socket.getPeerCertificate()
      socket.destroy()
      resolve({ error: '', serial: serialNumber, names: subjectaltname, tookMs: performance.now() - startMs })
    })
    socket.once('error', ({ message }) => {
      socket.destroy()
      resolve({ error: message, serial: '', names: '', tookMs: performance.now() - startMs })
    })
    socket.setTimeout(30_000, () => socket.destroy(new Error('no handshake in 30 s')))
  })
}

export class AcmeEdge {
  readonly edge: EdgeProcess
  readonly pebble: Pebble
  readonly plainPort: number
  readonly tlsPort: number
  readonly #options: AcmeEdgeOptions

  private constructor(
    edge: EdgeProcess,
    pebble: Pebble,
    plainPort: number,
    tlsPort: number,
    options: AcmeEdgeOptions,
  ) {
    this.edge = edge
    this.pebble = pebble
    this.plainPort = plainPort
    this.tlsPort = tlsPort
    this.#options = options
  }

  /** Pebble runs; Headgate does not yet. */
  static async prepare(t: TestContext, options: AcmeEdgeOptions = {}): Promise<AcmeEdge> {
    const [plainPort, tlsPort] = await Promise.all([freePort(), freePort()])
    const pebble = await Pebble.start(t, { httpPort: plainPort, tlsPort, ...options.pebble })
    const made = new AcmeEdge(new EdgeProcess(t), pebble, plainPort, tlsPort, options)
    made.write()
    return made
  }

  write(): void {
    const { workers = 1, acme = {}, hosts = ['www.example.com'] } = this.#options
    const answer = [{ respond: 'hello' }]
    this.edge.write({
      workers,
      listeners: [`127.0.0.1:${this.plainPort}`, { host: '127.0.0.1', port: this.tlsPort, tls: true }],
      tls: {
        storage: join(this.edge.folder, 'certificates'),
        acme: {
          directory: this.pebble.directoryUrl,
          caFile: this.pebble.caFile,
          email: 'admin@example.com',
          ...acme,
        },
      },
      sites: Object.fromEntries(hosts.map((host) => [host, answer])),
    })
  }

  /** Starts, or starts anew; gives how long it took until it served. */
  async start(): Promise<number> {
    const startMs = performance.now()
    // What it said before must not be taken for what it says now.
    rmSync(this.edge.errorsPath, { force: true })
    await this.edge.start()
    return performance.now() - startMs
  }

  async stop(): Promise<void> {
    this.edge.signal('SIGTERM')
    await this.edge.exit
  }

  shake(name: string, ca = ''): Promise<Seen> {
    return shakeHands(this.tlsPort, name, ca)
  }
}
