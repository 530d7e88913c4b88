/**
 * LoopbackPair: both ends of one real connection over loopback, made from the handles of node-handle.ts, for the
 * self-tests that decide which undocumented parts of Node this process uses.
 *
 * Promises: whatever goes wrong, or takes too long, counts as a failed test; nothing is left open.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import {
  socketOverHandle,
  socketToConnect,
  takeAccepts,
  type CarrierSocket,
  type SocketHandle,
} from './node-handle.ts'

export type PairTest = (near: CarrierSocket, far: CarrierSocket) => Promise<boolean>

/** Does `test` come to a good end on such a pair within `testMsMax`? Never rejects. */
export async function holdsOnLoopback(testMsMax: number, test: PairTest): Promise<boolean> {
  const server = createServer({ allowHalfOpen: true })
  const sockets: CarrierSocket[] = []
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, testMsMax, false)
    })
    return await Promise.race([testOnPair(server, sockets, test), late])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** `sockets`: what is to be destroyed in the end. */
async function testOnPair(server: Server, sockets: CarrierSocket[], test: PairTest): Promise<boolean> {
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') return false

  const accepted = new Promise<SocketHandle | null>((resolve) => {
    if (!takeAccepts(server, (_status, handle) => resolve(handle))) resolve(null)
  })
  const near = socketToConnect('handle')
  sockets.push(near)
  near.on('error', () => {})
  near.connect({ host: '127.0.0.1', port: address.port })
  const handle = await accepted
  if (handle === null) return false
  const far = socketOverHandle(handle)
  sockets.push(far)
  far.on('error', () => {})
  if (near.connecting) await once(near, 'connect')
  return test(near, far)
}
