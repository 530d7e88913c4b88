/**
 * A small origin that can be killed, stopped and sent home: started by origin-process.ts. Its answers can be checked
 * byte by byte (checked-body.ts), and it writes down each POST before it answers, where no kill can take it back.
 */
import { appendFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { bodyOf } from './checked-body.ts'

const [name = '', listen = '0', journal = ''] = process.argv.slice(2)

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://origin')
  const id = url.searchParams.get('n') ?? ''
  request.resume()
  request.on('end', () => {
    if (request.method === 'POST' && journal !== '') appendFileSync(journal, `${id} ${name}\n`)
    answer(request, response, url.pathname, id)
  })
})

function answer(request: IncomingMessage, response: ServerResponse, path: string, id: string): void {
  const body = Buffer.from(bodyOf(name, id))
  if (path.startsWith('/half/')) return answerHalf(response, path, body)
  if (path === '/slow') {
    setTimeout(() => response.end(body), Number(request.headers['x-ms'] ?? 300))
    return
  }
  if (path === '/headers') {
    response.end(JSON.stringify(request.headers))
    return
  }
  response.setHeader('content-length', body.length)
  response.setHeader('x-server', name)
  response.end(body)
}

/** Half of an answer, then a reset (or, for /half/…-fin, a FIN). */
function answerHalf(response: ServerResponse, path: string, body: Buffer): void {
  const half = body.subarray(0, body.length / 2)
  const { socket } = response
  if (socket === null) return
  const heads: Record<string, string> = {
    length: `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`,
    chunked: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`,
    boundary: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${half.length.toString(16)}\r\n`,
    close: 'HTTP/1.0 200 OK\r\n\r\n',
    none: '',
    head: 'HTTP/1.1 200 OK\r\nContent-Le',
  }
  const [form = '', how = 'reset'] = path.slice('/half/'.length).split('-')
  const isBare = form === 'none' || form === 'head'
  const end = (): void => {
    if (how === 'fin') socket.end()
    else socket.resetAndDestroy()
  }
  socket.write(heads[form] ?? '')
  if (!isBare) socket.write(half)
  if (form === 'boundary') socket.write('\r\n')
  setTimeout(end, 50)
}

if (listen.startsWith('/')) server.listen(listen)
else server.listen(Number(listen.split('@')[0]), listen.split('@')[1] ?? '127.0.0.1')
server.on('listening', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0, atMs: Date.now() })
})
process.on('disconnect', () => process.exit())
