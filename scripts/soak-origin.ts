/**
 * An origin for the soak: answers of many shapes, an echo of hashes, WebSockets, and answers that break off. It counts
 * what it has under way, so that requests which nobody waits for any more are seen.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** The body of `/bytes/N`: every position has its own value, so that misplaced bytes show. */
export function bodyOf(size: number): Buffer {
  const body = Buffer.alloc(size)
  for (let i = 0; i < size; i++) body[i] = (i * 31 + (i >> 8) * 7 + size) & 255
  return body
}

export class SoakOrigin {
  readonly #server: Server
  readonly #sockets: WebSocketServer
  /** Answers begun and not finished or closed. */
  underWay = 0
  served = 0

  constructor() {
    this.#server = createServer({ keepAliveTimeout: 5000 }, (request, response) => {
      this.underWay++
      this.served++
      response.once('close', () => this.underWay--)
      this.#answer(request, response)
    })
    this.#sockets = new WebSocketServer({ server: this.#server })
    this.#sockets.on('connection', (socket) => {
      this.underWay++
      socket.on('message', (bytes, isBinary) => socket.send(bytes, { binary: isBinary }))
      socket.on('error', () => socket.terminate())
      socket.on('close', () => this.underWay--)
    })
  }

  /** Gives the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#sockets.close()
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, kind = '', size = '0'] = (request.url ?? '').split('/')
    if (kind === 'upload') this.#hash(request, response)
    else if (kind === 'chunked') this.#chunked(response, Number(size))
    else if (kind === 'broken') this.#broken(response)
    else response.end(bodyOf(Number(size)))
  }

  #hash(request: IncomingMessage, response: ServerResponse): void {
    const hash = createHash('sha256')
    request.on('data', (bytes: Buffer) => hash.update(bytes))
    request.once('end', () => response.end(hash.digest('hex')))
  }

  #chunked(response: ServerResponse, size: number): void {
    const body = bodyOf(size)
    response.writeHead(200, { Trailer: 'X-Size' })
    for (let i = 0; i < size; i += 10_000) response.write(body.subarray(i, i + 10_000))
    response.addTrailers({ 'X-Size': String(size) })
    response.end()
  }

  /** Half of what was promised, then a reset. */
  #broken(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Length': 100_000 })
    response.write(bodyOf(50_000), () => response.socket?.resetAndDestroy())
  }
}
