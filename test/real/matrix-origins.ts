/**
 * Origins of the matrix: one behaviour, told by the path, over every protocol that an origin may speak.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { makeIdentity } from '../unit/net/tls-identity.ts'
import { patternAt, patternBytes } from './matrix-pattern.ts'

export type OriginName = 'H1 plain' | 'H1 TLS' | 'H2 plain' | 'H2 TLS' | 'H2 TLS, WebSocket by H1'

export interface MatrixOrigin {
  /** As a server in the config. */
  readonly url: string
  /** What happened, in order: 'close /hold'. */
  readonly log: string[]
  close(): void
}

type Asked = IncomingMessage | Http2ServerRequest
type Answer = ServerResponse | Http2ServerResponse

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function behave(request: Asked, response: Answer, log: string[]): void {
  const url = new URL(request.url ?? '/', 'http://origin')
  const answer = response as ServerResponse
  switch (url.pathname) {
    case '/get':
      answer.writeHead(200, { 'content-length': '5', 'x-host': String(hostOf(request)) })
      answer.end(request.method === 'HEAD' ? undefined : 'hello')
      return
    case '/upload':
      return upload(request, answer)
    case '/stall':
      // Nothing is read: what has come is what windows and kernels hold.
      request.pause()
      return
    case '/large':
      return download(answer, Number(url.searchParams.get('bytes')))
    case '/trailers':
      answer.writeHead(200, { trailer: 'x-sum' })
      answer.write('counted')
      answer.addTrailers({ 'x-sum': '7' })
      answer.end()
      return
    case '/early':
      answer.writeHead(413, { 'content-length': '9', connection: 'close' })
      answer.end('too large')
      return
    case '/hold':
      answer.writeHead(200)
      answer.write('first')
      answer.on('close', () => log.push('close /hold'))
      return
    case '/cut':
      answer.writeHead(200, { 'content-length': '1000' })
      answer.write('only the beginning', () => cut(response))
      return
    case '/hints':
      answer.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      answer.end('hinted')
      return
    default:
      answer.writeHead(404).end()
  }
}

function hostOf(request: Asked): string | undefined {
  return request instanceof http2.Http2ServerRequest ? request.authority : request.headers.host
}

function upload(request: Asked, answer: ServerResponse): void {
  const hash = createHash('sha256')
  let bytes = 0
  request.on('data', (piece: Buffer) => {
    hash.update(piece)
    bytes += piece.length
  })
  request.on('end', () => {
    const trailer = String(request.trailers['x-sum'] ?? '')
    answer.end(JSON.stringify({ bytes, sha256: hash.digest('hex'), trailer }))
  })
}

function download(answer: ServerResponse, bytes: number): void {
  answer.writeHead(200, { 'content-length': String(bytes) })
  let at = 0
  const go = (): void => {
    while (at < bytes) {
      const piece = patternAt(at, Math.min(patternBytes, bytes - at))
      at += piece.length
      if (!answer.write(piece)) {
        answer.once('drain', go)
        return
      }
    }
    answer.end()
  }
  go()
}

function cut(response: Answer): void {
  if (response instanceof http2.Http2ServerResponse)
    response.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
  else response.socket?.destroy()
}

/** Sends back what a masked frame of at most 125 bytes said. */
function echoFrames(stream: Duplex): void {
  stream.on('data', (frame: Buffer) => {
    if (((frame[0] ?? 0) & 0x0f) === 8) {
      stream.end(Buffer.of(0x88, 0))
      return
    }
    const length = (frame[1] ?? 0) & 0x7f
    const said = Buffer.from(
      frame.subarray(6, 6 + length).map((byte, i) => byte ^ (frame[2 + (i % 4)] as number)),
    )
    stream.write(Buffer.concat([Buffer.of(0x81, length), said]))
  })
  stream.on('error', () => {})
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

function switchToWebSocket(request: IncomingMessage, socket: Duplex): void {
  const key = request.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1')
    .update(key + guid)
    .digest('base64')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  echoFrames(socket)
}

/** What the origins over TLS show; the edge trusts `authority` for it. */
export const originHost = 'origin.test'
const identity = await makeIdentity([originHost])

async function h1Origin(isSecure: boolean): Promise<MatrixOrigin> {
  const log: string[] = []
  const server = isSecure ? https.createServer(identity) : http.createServer()
  server.on('request', (request, response) => behave(request, response, log))
  server.on('upgrade', switchToWebSocket)
  const port = await listening(server)
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`, log, close }
}

/** `hasConnect`: takes WebSocket over HTTP/2; else it has HTTP/1.1 beside for it. */
async function h2Origin(isSecure: boolean, hasConnect: boolean): Promise<MatrixOrigin> {
  const log: string[] = []
  const sockets = new Set<Socket>()
  const settings = { enableConnectProtocol: hasConnect }
  const server = isSecure
    ? http2.createSecureServer({ ...identity, settings, allowHTTP1: !hasConnect })
    : http2.createServer({ settings })
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) =>
    behave(request, response, log),
  )
  server.on(isSecure ? 'secureConnection' : 'connection', (socket: Socket) => sockets.add(socket))
  server.on('session', (session: http2.ServerHttp2Session) => session.on('error', () => {}))
  server.on('upgrade', switchToWebSocket)
  server.on('connect', (_request: Http2ServerRequest, response: Http2ServerResponse) => {
    response.stream.respond({ ':status': 200 })
    echoFrames(response.stream)
  })
  const port = await listening(server)
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url: `${isSecure ? 'https' : 'h2c'}://127.0.0.1:${port}`, log, close }
}

/** By name; another protocol is another line. */
export const origins: Readonly<Record<OriginName, () => Promise<MatrixOrigin>>> = {
  'H1 plain': () => h1Origin(false),
  'H1 TLS': () => h1Origin(true),
  'H2 plain': () => h2Origin(false, true),
  'H2 TLS': () => h2Origin(true, true),
  'H2 TLS, WebSocket by H1': () => h2Origin(true, false),
}
