/**
 * Which way sockets go in this process: 'handle' when the undocumented things of node-handle.ts all work here, else
 * 'plain'. A self-test decides: one real connection on loopback, over which each of them is used once (2 ms).
 */
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import {
  descriptorOf,
  socketOverHandle,
  socketToConnect,
  takeAccepts,
  writeDirectly,
  type CarrierSocket,
  type SocketHandle,
  type SocketMode,
} from './node-handle.ts'

/** A machine whose loopback takes longer has no use for the faster way either. */
const testMsMax = 2000

let chosen: Promise<SocketMode> | null = null
let current: SocketMode = 'plain'

/** What `chooseSockets` found; 'plain' before it has. */
export function socketMode(): SocketMode {
  return current
}

/** Runs the self-test, once in a process. HEADGATE_PLAIN_SOCKETS=1 decides without it. */
export function chooseSockets(): Promise<SocketMode> {
  const isPlainWanted = (process.env['HEADGATE_PLAIN_SOCKETS'] ?? '0') !== '0'
  chosen ??= (isPlainWanted ? Promise.resolve(false) : testSocketHandles()).then((isGood) => {
    current = isGood ? 'handle' : 'plain'
    return current
  })
  return chosen
}

async function testSocketHandles(): Promise<boolean> {
  const server = createServer({ allowHalfOpen: true })
  const sockets: CarrierSocket[] = []
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, testMsMax, false)
    })
    return await Promise.race([talk(server, sockets), late])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

async function talk(server: Server, sockets: CarrierSocket[]): Promise<boolean> {
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') return false

  const accepted = new Promise<SocketHandle | null>((resolve) => {
    if (!takeAccepts(server, (_status, handle) => resolve(handle))) resolve(null)
  })
  const client = socketToConnect('handle')
  sockets.push(client)
  client.on('error', () => {})
  client.connect({ host: '127.0.0.1', port: address.port })
  const handle = await accepted
  if (handle === null) return false
  const served = socketOverHandle(handle)
  sockets.push(served)
  served.on('error', () => {})
  if (client.connecting) await once(client, 'connect')

  return (await passes(client, served, 'there')) && (await passes(served, client, 'and back'))
}

/** Writes `text` to the descriptor of one socket, and reads it by the carrier of the other. */
async function passes(from: CarrierSocket, to: CarrierSocket, text: string): Promise<boolean> {
  const got = new Promise<string>((resolve) => {
    let seen = ''
    to.carrier = {
      onSocketBytes(buffer, start, end) {
        seen += buffer.toString('latin1', start, end)
        if (seen.length >= text.length) resolve(seen)
      },
    }
  })
  const descriptor = descriptorOf(from)
  if (descriptor < 0) return false
  const bytes = Buffer.from(`[${text}]`)
  // A slice out of the middle, so that offsets are tested too, with a head in front.
  const taken = writeDirectly(from, descriptor, bytes.subarray(1, 2), bytes, 2, bytes.length - 1)
  return taken === text.length && (await got) === text
}
