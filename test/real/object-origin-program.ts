/**
 * An origin of one large object, under any path, which may be stored: started by object-origin.ts with its size and the
 * delay of its heads in ms (none under /warm). It knows ranges, and tells of every request and when its head went out.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { objectOf } from './object-body.ts'

const [size = '', delay = ''] = process.argv.slice(2)
const object = objectOf(Number(size))

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { range } = request.headers
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  const isPart = first !== undefined
  const start = Number(first ?? 0)
  const end = last === undefined || last === '' ? object.length : Number(last) + 1
  response.statusCode = isPart ? 206 : 200
  response.setHeader('Cache-Control', 'max-age=3600')
  response.setHeader('ETag', '"object"')
  response.setHeader('Content-Length', end - start)
  if (isPart) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${object.length}`)
  const atMs = Date.now()
  response.end(object.subarray(start, end))
  process.send?.({ path: request.url ?? '', range: range ?? '', atMs })
}

const server = createServer((request, response) => {
  const isWarm = request.url?.startsWith('/warm') === true
  setTimeout(() => answer(request, response), isWarm ? 0 : Number(delay))
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 })
})
process.on('disconnect', () => process.exit())
