/** An origin for the tests of the cache: it answers as the query says, and keeps what it was asked. */
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Asked {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

/**
 * `/path?cc=max-age=60&etag="a"&tag=x&vary=accept&nvs=params&type=…&status=…&delay=ms&size=bytes`. Each answer has the number of its
 * request as its body, or `size` bytes of it; a matching If-None-Match gets a 304.
 */
export class CacheOrigin {
  readonly asked: Asked[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((incoming, answer) => {
      const { method = '', url: target = '', headers } = incoming
      this.asked.push({ method, target, headers })
      incoming.resume()
      const query = new URL(target, 'http://origin').searchParams
      const fields = {
        cc: 'Cache-Control',
        etag: 'ETag',
        tag: 'Surrogate-Key',
        vary: 'Vary',
        nvs: 'No-Vary-Search',
      }
      for (const [name, field] of Object.entries(fields)) {
        const value = query.get(name)
        if (value !== null) answer.setHeader(field, value)
      }
      answer.setHeader('Content-Type', query.get('type') ?? 'text/plain')
      answer.statusCode = Number(query.get('status') ?? 200)
      const etag = query.get('etag')
      const isSame = etag !== null && headers['if-none-match'] === etag
      if (isSame) answer.statusCode = 304
      const body = `answer ${this.asked.length} `
      const size = Number(query.get('size') ?? body.length)
      setTimeout(
        () => answer.end(isSame ? undefined : body.repeat(Math.ceil(size / body.length)).slice(0, size)),
        Number(query.get('delay') ?? 0),
      )
    })
  }

  static async start(t: TestContext): Promise<CacheOrigin> {
    const origin = new CacheOrigin()
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      origin.#server.close()
      origin.#server.closeAllConnections()
    })
    return origin
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get count(): number {
    return this.asked.length
  }
}

export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The part of Cache-Status behind our name. */
  readonly cache: string
}

/** One request on a connection of its own. */
export function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  content = '',
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      agent: false,
      headers: { Host: 'a', ...headers },
    }
    const asking = request(options, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.on('error', reject)
      answer.on('end', () => {
        const cache = String(answer.headers['cache-status'] ?? '').replace(/^headgate; /, '')
        const body = Buffer.concat(pieces).toString('latin1')
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body, cache })
      })
    })
    asking.on('error', reject)
    asking.end(content)
  })
}
