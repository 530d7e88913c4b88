/**
 * OpenListeners: the open listeners of a server, each known by its name in the plan.
 *
 * Promises: a listener that stays is left alone, so its queue of connections is never dropped; when one of several cannot
 * be opened, none of them stays open.
 */
import type { Server } from 'node:net'
import type { ListenerPlan } from '../engine/plan.ts'
import type { Listener } from '../net/listener.ts'

export interface BoundAddress {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly path: string
}

export class OpenListeners {
  readonly #open: Map<string, Listener> = new Map()
  readonly #make: (name: string, backlog: number) => Listener
  #acceptedBefore = 0

  /** `make` makes a listener that does not listen yet; a backlog of 0 means that it need not. */
  constructor(make: (name: string, backlog: number) => Listener) {
    this.#make = make
  }

  /** The connections that these listeners, and those that are closed by now, have accepted. */
  get acceptedCount(): number {
    let count = this.#acceptedBefore
    for (const listener of this.#open.values()) count += listener.acceptedCount
    return count
  }

  get addresses(): BoundAddress[] {
    return Array.from(this.#open, ([name, listener]) => ({ name, ...listener.address }))
  }

  /** The names of those of `plans` that are not open. */
  missing(plans: readonly ListenerPlan[]): Set<string> {
    return new Set(plans.map(({ name }) => name).filter((name) => !this.#open.has(name)))
  }

  /**
   * Opens the listeners of `plans` that are not open. Rejects with a ListenError when one cannot be opened; those opened by
   * this call are closed again then. Resolves to the names of the new ones, for `close` should the plan be dropped.
   */
  async open(plans: readonly ListenerPlan[]): Promise<string[]> {
    const opened: string[] = []
    for (const plan of plans) {
      if (this.#open.has(plan.name)) continue
      const listener = this.#make(plan.name, plan.backlog)
      try {
        await listener.listen({ host: plan.host, port: plan.port, path: plan.path })
      } catch (error) {
        this.close(opened)
        throw error
      }
      this.#open.set(plan.name, listener)
      opened.push(plan.name)
    }
    return opened
  }

  /** Accepts on a socket that somebody else has opened, under the name that the plan gives it. */
  async adopt(name: string, server: Server): Promise<void> {
    this.#open.get(name)?.close()
    const listener = this.#make(name, 0)
    this.#open.set(name, listener)
    await listener.adopt(server)
  }

  /** Closes listeners by name; their connections live on. */
  close(names: Iterable<string>): void {
    for (const name of names) {
      const listener = this.#open.get(name)
      if (listener === undefined) continue
      this.#open.delete(name)
      this.#acceptedBefore += listener.acceptedCount
      listener.close()
    }
  }

  /** Closes the listeners that `plans` no longer has. */
  closeOthers(plans: readonly ListenerPlan[]): void {
    const kept = new Set(plans.map((plan) => plan.name))
    this.close([...this.#open.keys()].filter((name) => !kept.has(name)))
  }

  closeAll(): void {
    this.close([...this.#open.keys()])
  }
}
