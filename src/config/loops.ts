/**
 * Finds origins that are listeners of this very server: what is sent there comes back. HTTP requests are then
 * answered 508, since they carry our name (engine/arrival.ts); connections passed on unread would each make another,
 * without end.
 *
 * Promise: only what is certain from the written addresses and those of this machine is reported. Names are not
 * resolved.
 */
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ListenerPlan } from '../engine/plan.ts'
import { parseServerUrl, type ServerUrl } from '../origin/server-url.ts'
import type { ConfigPath } from './problem.ts'
import type { WrittenServer } from './written.ts'

type Addresses = ReadonlySet<string>
type TellLoop = (path: ConfigPath, message: string) => void

/**
 * The listener of this server that a connection to `url` reaches; null when it reaches none, as far as can be
 * told.
 */
function listenerAt(url: ServerUrl, listeners: readonly ListenerPlan[], own: Addresses): ListenerPlan | null {
  return listeners.find((listener) => isReached(listener, url, own)) ?? null
}

function isReached(listener: ListenerPlan, url: ServerUrl, own: Addresses): boolean {
  if (listener.path !== '' || url.path !== '') return listener.path === url.path
  if (listener.port !== url.port) return false
  return addressesOf(url.host).some((address) => isCovered(address, listener.host, own))
}

function isCovered(address: string, host: string, own: Addresses): boolean {
  if (host === '' || host === '::') return isOwn(address, own)
  if (host === '0.0.0.0') return isIPv4(address) && isOwn(address, own)
  return addressesOf(host).includes(address)
}

function addressesOf(host: string): readonly string[] {
  if (host.toLowerCase() === 'localhost') return ['127.0.0.1', '::1']
  // Connecting to the unspecified address means connecting to the loopback.
  if (host === '0.0.0.0') return ['127.0.0.1']
  return [host === '::' ? '::1' : host.toLowerCase()]
}

function isOwn(address: string, own: Addresses): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.')) || own.has(address)
}

/** Of this machine: the system is asked once for a config, whatever number of origins it has. */
function ownAddresses(): Addresses {
  return new Set(
    Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []),
  )
}

/** Checks the servers that HTTP routes name. */
export function checkHttpLoops(
  servers: Iterable<WrittenServer>,
  listeners: readonly ListenerPlan[],
  tell: TellLoop,
): void {
  const own = ownAddresses()
  for (const { path, url } of servers) {
    const server = parseServerUrl(url)
    const listener = typeof server === 'string' ? null : listenerAt(server, listeners, own)
    if (typeof server === 'string' || listener === null || isPassedOn(listener, server)) continue
    const message = `${url} is a listener of this server (${listener.name}): requests come back, and are answered 508`
    tell(path, message)
  }
}

/** May a connection to this listener be passed on rather than served? */
function isPassedOn({ tcp }: ListenerPlan, { isSecure }: ServerUrl): boolean {
  return tcp !== undefined && (isSecure || tcp['*'] !== undefined)
}

/**
 * Finds connections of a listener that come back to it, directly or through other listeners. `serversOf` gives
 * the servers of an origin or of an address.
 */
export function checkTcpLoops(
  listeners: readonly ListenerPlan[],
  serversOf: (origin: string) => readonly string[],
  tell: (listener: ListenerPlan, pattern: string, message: string) => void,
): void {
  const own = ownAddresses()
  const next = (listener: ListenerPlan, pattern: string): ListenerPlan[] => {
    const origin = listener.tcp?.[pattern] ?? listener.tcp?.['*']
    const servers = (origin === undefined ? [] : serversOf(origin)).map(parseServerUrl)
    return servers.flatMap((server) =>
      typeof server === 'string' ? [] : (listenerAt(server, listeners, own) ?? []),
    )
  }
  for (const listener of listeners) {
    for (const pattern of Object.keys(listener.tcp ?? {})) {
      const seen = new Set(next(listener, pattern))
      for (const each of seen) for (const further of next(each, pattern)) seen.add(further)
      if (!seen.has(listener)) continue
      const message = `leads back to this listener (${listener.name}): each connection would make another, without end`
      tell(listener, pattern, message)
    }
  }
}
