/**
 * Listening sockets that the supervisor owns. They are bound here, never accepted on here, and handed to the workers,
 * which share one accept queue. The kernel keeps connections waiting in it while a dead worker is replaced.
 *
 * Node's public API binds, listens and accepts in one step, so a supervisor would take connections itself.
 * `net._createServerHandle` only binds; the cluster module is built on it, and this is the one file that knows it.
 */
import { lookup } from 'node:dns/promises'
import { chmodSync } from 'node:fs'
import * as net from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { ListenerPlan } from '../engine/plan.ts'
import { ListenError } from '../net/listen-error.ts'
import { pathModeDefault } from '../net/listener.ts'
import { removeStaleSocket } from '../net/unix-path.ts'

interface BoundHandle {
  close(): void
  getsockname?(out: { address?: string; port?: number }): number
}

type CreateHandle = (address: string, port: number, family: number) => BoundHandle | number

export class ListeningSocket {
  readonly plan: ListenerPlan
  /** The port that was bound, also where 0 was asked for. */
  readonly port: number
  /** The handle, for `ChildProcess.send`. */
  readonly handle: net.Server
  readonly #bound: BoundHandle

  private constructor(plan: ListenerPlan, bound: BoundHandle, port: number) {
    this.plan = plan
    this.port = port
    this.#bound = bound
    this.handle = bound as unknown as net.Server
  }

  /** Binds the socket. Rejects with a sentence and a remedy. */
  static async open(plan: ListenerPlan): Promise<ListeningSocket> {
    try {
      return plan.path === '' ? await openTcp(plan) : await openUnix(plan)
    } catch (error) {
      throw new ListenError((error as NodeJS.ErrnoException).code ?? 'EIO', plan)
    }
  }

  static of(plan: ListenerPlan, bound: BoundHandle, port: number): ListeningSocket {
    return new ListeningSocket(plan, bound, port)
  }

  /** Closes the supervisor's own copy, and removes the file of a unix socket. */
  close(): void {
    this.#bound.close()
  }
}

async function openTcp(plan: ListenerPlan): Promise<ListeningSocket> {
  let bound: BoundHandle | number
  if (plan.host === '') {
    bound = createHandle('::', plan.port, 6)
    if (typeof bound === 'number') bound = createHandle('0.0.0.0', plan.port, 4)
  } else {
    const family = net.isIP(plan.host)
    const found = family === 0 ? await lookup(plan.host) : { address: plan.host, family }
    bound = createHandle(found.address, plan.port, found.family)
  }
  if (typeof bound === 'number') throw systemError(bound)
  const name: { port?: number } = {}
  // An address in use is told only here: libuv keeps the error of bind for the next call.
  const error = bound.getsockname?.(name) ?? 0
  if (error !== 0) {
    bound.close()
    throw systemError(error)
  }
  return ListeningSocket.of(plan, bound, name.port ?? plan.port)
}

async function openUnix(plan: ListenerPlan): Promise<ListeningSocket> {
  const obstacle = await removeStaleSocket(plan.path)
  if (obstacle !== '') throw codeError(obstacle)
  const bound = createHandle(plan.path, -1, -1)
  if (typeof bound === 'number') throw systemError(bound)
  chmodSync(plan.path, pathModeDefault)
  return ListeningSocket.of(plan, bound, 0)
}

function createHandle(address: string, port: number, family: number): BoundHandle | number {
  return (net as unknown as { _createServerHandle: CreateHandle })._createServerHandle(address, port, family)
}

function systemError(number: number): Error {
  return codeError(getSystemErrorName(number))
}

function codeError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/**
 * For a worker: turns a socket that came over the channel into a listening Server. It must be given to our
 * server in the same turn of the event loop, since connections are accepted from now on. Throws when the
 * address is taken: binding does not always tell, listening does.
 */
export function listenOn(handle: unknown, backlog: number): net.Server {
  const server = net.createServer({ pauseOnConnect: true })
  let reason = 'the address is in use'
  server.once('error', (error) => (reason = error.message))
  server.listen(handle as net.Server, backlog)
  if (!server.listening) throw new Error('cannot listen: ' + reason)
  return server
}
