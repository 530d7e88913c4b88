/**
 * Clients of the matrix: one way to ask, over every protocol that a client may speak.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import http2, { type IncomingHttpHeaders } from 'node:http2'
import https from 'node:https'
import type { Duplex, Readable, Writable } from 'node:stream'
import { authority } from '../unit/net/tls-identity.ts'

export type ClientName = 'H1 plain' | 'H1 TLS' | 'H2 plain' | 'H2 TLS' | 'H3 TLS'

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
  trailers(): Record<string, unknown>
}

export interface Asking {
  /** Where the request's body goes; ended for a request without one. */
  readonly body: Writable
  readonly answer: Promise<Answered>
  /** Of the 103 that came: Link. */
  readonly hints: string[]
  /** The client goes away. */
  abort(): void
}

export interface MatrixClient {
  ask(method: string, path: string, headers?: Record<string, string>): Asking
  /** After the handshake. */
  webSocket(path: string): Promise<Duplex>
  close(): void
}

/** What the edge shows to clients over TLS. */
export const edgeHost = 'edge.test'
const trust = { ca: authority, servername: edgeHost }

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

class H1Client implements MatrixClient {
  readonly #agent: http.Agent
  readonly #port: number
  readonly #isSecure: boolean

  constructor(port: number, isSecure: boolean) {
    this.#port = port
    this.#isSecure = isSecure
    this.#agent = isSecure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true })
  }

  #request(options: http.RequestOptions): http.ClientRequest {
    const to = { ...options, host: '127.0.0.1', port: this.#port, agent: this.#agent }
    return this.#isSecure ? https.request({ ...to, ...trust }) : http.request(to)
  }

  ask(method: string, path: string, headers: Record<string, string> = {}): Asking {
    const request = this.#request({ method, path, headers })
    const hints: string[] = []
    request.on('information', ({ statusCode, headers: early }) => {
      if (statusCode === 103) hints.push(String(early['link']))
    })
    const answer = new Promise<Answered>((resolve, reject) => {
      request.on('error', reject)
      request.on('response', (response) => {
        const { statusCode = 0 } = response
        resolve({
          status: statusCode,
          headers: response.headers,
          body: response,
          trailers: () => response.trailers,
        })
      })
    })
    // Who aborts does not wait for it.
    answer.catch(() => {})
    return { body: request, answer, hints, abort: () => request.destroy() }
  }

  async webSocket(path: string): Promise<Duplex> {
    const key = randomBytes(16).toString('base64')
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
    }
    const request = this.#request({ path, headers })
    request.end()
    const [response, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, Duplex]
    const accept = createHash('sha1')
      .update(key + guid)
      .digest('base64')
    assert.equal(response.headers['sec-websocket-accept'], accept)
    return socket
  }

  close(): void {
    this.#agent.destroy()
  }
}

class H2Client implements MatrixClient {
  readonly #session: http2.ClientHttp2Session

  constructor(authority: string) {
    this.#session = http2.connect(authority, trust)
    this.#session.on('error', () => {})
  }

  ask(method: string, path: string, headers: Record<string, string> = {}): Asking {
    const stream = this.#session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream: false },
    )
    const hints: string[] = []
    let trailers: Record<string, unknown> = {}
    stream.on('headers', (early) => {
      if (early[':status'] === 103) hints.push(String(early['link']))
    })
    stream.on('trailers', (got) => (trailers = got))
    const answer = new Promise<Answered>((resolve, reject) => {
      stream.on('error', reject)
      stream.on('close', () => reject(new Error('closed')))
      stream.on('response', (got) => {
        resolve({ status: got[':status'] ?? 0, headers: got, body: stream, trailers: () => trailers })
      })
    })
    answer.catch(() => {})
    return { body: stream, answer, hints, abort: () => stream.close(http2.constants.NGHTTP2_CANCEL) }
  }

  async webSocket(path: string): Promise<Duplex> {
    const session = this.#session
    if (session.remoteSettings.enableConnectProtocol !== true) await once(session, 'remoteSettings')
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': path,
      'sec-websocket-version': '13',
    })
    const [got] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    assert.equal(got[':status'], 200)
    return stream
  }

  close(): void {
    this.#session.destroy()
  }
}

/** By name; another protocol is another line. */
export const clients: Readonly<Record<ClientName, (port: number) => MatrixClient | Promise<MatrixClient>>> = {
  'H1 plain': (port) => new H1Client(port, false),
  'H1 TLS': (port) => new H1Client(port, true),
  'H2 plain': (port) => new H2Client(`http://127.0.0.1:${port}`),
  'H2 TLS': (port) => new H2Client(`https://127.0.0.1:${port}`),
  'H3 TLS': async (port) => (await import('./matrix-h3-client.ts')).h3Client(port),
}
