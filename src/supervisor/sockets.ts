/**
 * The listening sockets of a plan, and the change from one plan's to another's.
 */
import type { ListenerPlan } from '../engine/plan.ts'
import { listenerText } from './fleet.ts'
import { ListeningSocket } from './listening-socket.ts'

export interface SocketChange {
  readonly added: readonly ListeningSocket[]
  readonly removed: readonly ListeningSocket[]
}

export class Sockets {
  readonly #open = new Map<string, ListeningSocket>()

  all(): readonly ListeningSocket[] {
    return [...this.#open.values()]
  }

  /** The sockets' addresses, as clients see them. */
  names(): readonly string[] {
    return this.all().map(({ plan, port }) => listenerText(plan, port))
  }

  /** Opens those of `listeners` that are not open. When one cannot be opened none of them stays open. */
  async prepare(listeners: readonly ListenerPlan[]): Promise<SocketChange> {
    const added: ListeningSocket[] = []
    try {
      for (const plan of listeners)
        if (!this.#open.has(plan.name)) added.push(await ListeningSocket.open(plan))
    } catch (error) {
      for (const socket of added) socket.close()
      throw error
    }
    const names = new Set(listeners.map((plan) => plan.name))
    return { added, removed: this.all().filter((socket) => !names.has(socket.plan.name)) }
  }

  commit(change: SocketChange): void {
    for (const socket of change.added) this.#open.set(socket.plan.name, socket)
    for (const socket of change.removed) {
      this.#open.delete(socket.plan.name)
      socket.close()
    }
  }

  discard(change: SocketChange): void {
    for (const socket of change.added) socket.close()
  }

  close(): void {
    for (const socket of this.#open.values()) socket.close()
    this.#open.clear()
  }
}
