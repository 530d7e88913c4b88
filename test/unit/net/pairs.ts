/** Pairs of connected sockets for the tests of this room, and worlds of them for the shared suite. */
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SocketConnector } from '../../../src/net/connect.ts'
import { Listener, type ListenerOptions } from '../../../src/net/listener.ts'
import type { SocketMode } from '../../../src/net/node-handle.ts'
import type { Transport, TransportAddress, TransportEvents } from '../../../src/net/transport.ts'
import { Recorder } from './recorder.ts'
import type { TransportPair, TransportWorld } from './transport-world.ts'

export const silent: TransportEvents = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }

export function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some(
    (all) => all?.some(({ address }) => address === '::1') === true,
  )
}

let paths = 0

export function freshPath(): string {
  return join(tmpdir(), `headgate-test-${process.pid}-${paths++}.sock`)
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await sleep(1)
  }
}

/** A listener on loopback that hands over what comes, and a connector in the same mode. */
export async function listenFor(
  mode: SocketMode,
  where: 'ipv4' | 'ipv6' | 'unix',
  more: Partial<ListenerOptions> = {},
): Promise<{ listener: Listener; address: TransportAddress; accepted: Transport[] }> {
  const accepted: Transport[] = []
  const listener = new Listener({
    mode,
    onTransport(transport) {
      transport.events = new Recorder()
      accepted.push(transport)
    },
    ...more,
  })
  const path = where === 'unix' ? freshPath() : ''
  const host = where === 'ipv4' ? '127.0.0.1' : where === 'ipv6' ? '::1' : ''
  await listener.listen({ host, port: 0, path })
  return { listener, address: where === 'unix' ? { host: '', port: 0, path } : listener.address, accepted }
}

export async function socketPair(
  mode: SocketMode,
  where: 'ipv4' | 'ipv6' | 'unix' = 'ipv4',
): Promise<TransportPair> {
  const { listener, address, accepted } = await listenFor(mode, where)
  let isConnected = false
  const a = new SocketConnector(mode).connect(address, silent, () => {
    isConnected = true
  })
  await until(() => isConnected && accepted.length === 1, 'a connection')
  return { a, b: accepted[0] as Transport, release: () => listener.close() }
}

export function socketWorld(mode: SocketMode, where: 'ipv4' | 'ipv6' | 'unix'): TransportWorld {
  return {
    name: `${where} socket, ${mode}`,
    pair: () => socketPair(mode, where),
    until,
    rest: async (ms) => {
      await sleep(ms)
    },
    keepsWrites: true,
    showsResets: where !== 'unix',
    addresses: where === 'unix' ? 'none' : 'real',
    floodBytes: 24 * 1024 * 1024,
  }
}
