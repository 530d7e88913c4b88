/**
 * MemoryRelief: acts when more bytes wait for slow peers than `limits.heldBytesMax` allows, by giving up those that
 * hold the most. Each stream and each connection has bounds of its own; but within them a client that opens thousands
 * of streams and takes nothing of any answer would fill the memory.
 *
 * Promises: what one client holds on all of its connections counts together, so that many small holders that are one
 * attacker go before others; clients behind a proxy that speaks for many count as one connection each. It stops an
 * eighth below the bound, so that it is not at work all the time.
 */
import type { Clock } from '../core/clock.ts'
import type { FaultLevel } from '../core/faults.ts'
import type { ServerConnection } from '../http/serving.ts'
import { keptMemory, type KeptMemoryWatch } from '../net/kept-memory.ts'

export interface MemoryReliefOptions {
  readonly clock: Clock
  readonly connections: Iterable<ServerConnection>
  /** Does this address speak for other clients? */
  readonly isRelay: (address: string) => boolean
  readonly note: (level: FaultLevel, message: string) => void
}

/** A line is logged at most this often. */
const noteMs = 10_000

interface Client {
  bytes: number
  readonly held: { readonly connection: ServerConnection; readonly bytes: number }[]
}

export class MemoryRelief implements KeptMemoryWatch {
  keptBytesMax = Infinity
  /** How many connections had to give something up. */
  count = 0
  readonly #options: MemoryReliefOptions
  #isDue = false
  #notedMs = -Infinity

  constructor(options: MemoryReliefOptions) {
    this.#options = options
  }

  /** The bytes that this process holds for slow peers. */
  get heldBytes(): number {
    return keptMemory.bytes
  }

  configure(keptBytesMax: number): void {
    this.keptBytesMax = keptBytesMax
    keptMemory.watch(this)
  }

  stop(): void {
    keptMemory.unwatch(this)
  }

  onTooMuchKept(): void {
    if (this.#isDue) return
    this.#isDue = true
    // Whoever keeps something now is in the midst of it; but before the next event, which may be the read of another.
    queueMicrotask(() => {
      this.#isDue = false
      this.#relieve()
    })
  }

  #relieve(): void {
    const enough = this.keptBytesMax * (7 / 8)
    const before = keptMemory.bytes
    let connections = 0
    for (const { held } of this.#worstFirst()) {
      for (const { connection } of held) {
        if (keptMemory.bytes <= enough) return this.#told(before, connections)
        connection.giveUpHeld?.()
        connections++
      }
    }
    this.#told(before, connections)
  }

  #worstFirst(): Client[] {
    const clients = new Map<unknown, Client>()
    for (const connection of this.#options.connections) {
      const bytes = connection.heldBytes ?? 0
      if (bytes === 0) continue
      const address = connection.remoteAddress ?? ''
      const key = address === '' || this.#options.isRelay(address) ? connection : address
      let client = clients.get(key)
      if (client === undefined) clients.set(key, (client = { bytes: 0, held: [] }))
      client.bytes += bytes
      client.held.push({ connection, bytes })
    }
    const sorted = [...clients.values()].sort((a, b) => b.bytes - a.bytes)
    for (const { held } of sorted) held.sort((a, b) => b.bytes - a.bytes)
    return sorted
  }

  #told(before: number, connections: number): void {
    this.count += connections
    const nowMs = this.#options.clock.nowMs()
    if (connections === 0 || nowMs - this.#notedMs < noteMs) return
    this.#notedMs = nowMs
    this.#options.note(
      'warn',
      `${mebibytes(before)} waited for slow clients and origins, more than limits.heldBytesMax: ` +
        `the ${connections} connections that held the most gave up what they held, ${mebibytes(before - keptMemory.bytes)}.`,
    )
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`
}
