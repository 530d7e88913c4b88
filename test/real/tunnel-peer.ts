/**
 * One end of an upgraded connection in a process of its own, so that it can be killed: `origin`, or `client PORT`. It does
 * what it is told over the channel, and tells what it sees.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/**
 * 'request': an origin has one, a client sends one · 'switch': answers 101 · 'flood': sends without end · 'stall':
 * reads no more.
 */
export type PeerOrder = 'request' | 'switch' | 'flood' | 'stall' | 'FIN' | 'RST'
/** 'end': FIN came · 'reset' · 'closed': nothing is left. */
export type PeerNews = 'request' | 'switched' | 'refused' | 'data' | 'end' | 'reset' | 'closed' | number

const request =
  'GET /socket HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'
/** A thousand frames of 125 bytes. */
const frames = Buffer.alloc(127_000, Buffer.concat([Buffer.from([0x82, 0x7d]), Buffer.alloc(125, 0x55)]))

const isClient = process.argv[2] === 'client'
let socket: Socket | null = null
let isFlooding = false

function tell(news: PeerNews): void {
  if (process.connected) process.send?.(news)
}

function flood(to: Socket): void {
  for (let flows = isFlooding; flows;) flows = to.writable && to.write(frames)
}

function watch(opened: Socket): void {
  socket = opened
  let text = ''
  let hasHead = false
  opened.on('data', (bytes) => {
    if (hasHead) return tell('data')
    text += bytes.toString('latin1')
    if (!text.includes('\r\n\r\n')) return
    hasHead = true
    if (!isClient) tell('request')
    else tell(text.startsWith('HTTP/1.1 101 ') ? 'switched' : 'refused')
  })
  opened.on('drain', () => flood(opened))
  opened.on('end', () => tell('end'))
  opened.on('error', () => tell('reset'))
  opened.on('close', () => tell('closed'))
}

process.on('message', (order: PeerOrder) => {
  isFlooding = order === 'flood'
  if (socket === null) return
  if (order === 'request') socket.write(request)
  else if (order === 'switch') socket.write(switching)
  else if (order === 'flood') flood(socket)
  else if (order === 'stall') socket.pause()
  else if (order === 'FIN') socket.end()
  else socket.resetAndDestroy()
})
process.on('disconnect', () => process.exit(0))

if (isClient) {
  const opened = connect({ port: Number(process.argv[3]), host: '127.0.0.1', allowHalfOpen: true })
  watch(opened)
  opened.once('connect', () => tell(0))
} else {
  const server = createServer({ allowHalfOpen: true }, watch)
  server.listen(0, '127.0.0.1', () => tell((server.address() as AddressInfo).port))
}
