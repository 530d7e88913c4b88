/**
 * OriginKeeper: the origins of one plan. One that is the same as in the plan before is carried over, with its
 * connections and what it knows of its servers.
 *
 * Invariant: an origin counts the plans that hold it, and is closed by the last one.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Plan } from '../engine/plan.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { createOrigin } from '../origin/server-group.ts'
import type { Origin, OriginOptions } from '../origin/origin.ts'
import type { LastingContext } from './compile-context.ts'
import type { OriginDocument } from './document.ts'

/** Plans that hold an origin. */
const holders = new WeakMap<Origin, number>()

export class OriginKeeper {
  readonly origins = new Map<string, Origin>()
  readonly #context: LastingContext
  readonly #limits: ConnectionLimits
  /** Only while the plan is compiled: one that held on to the plan before it would hold all since the start. */
  #previous: Plan | undefined
  #isClosed = false

  constructor(context: LastingContext, limits: ConnectionLimits, previous: Plan | undefined) {
    this.#context = context
    this.#limits = limits
    this.#previous = previous
  }

  /** Every origin of the plan has been opened. */
  forgetPrevious(): void {
    this.#previous = undefined
  }

  /** The origin of this name; made, or carried over, the first time that it is asked for. */
  open(name: string, document: OriginDocument, connectMs: number): Origin {
    const known = this.origins.get(name)
    if (known !== undefined) return known
    const options = optionsOf(name, document, connectMs)
    const origin = this.#carriedOver(options) ?? this.#make(options)
    holders.set(origin, (holders.get(origin) ?? 0) + 1)
    this.origins.set(name, origin)
    return origin
  }

  #carriedOver(options: OriginOptions): Origin | null {
    const previous = this.#previous
    // Its connections were made within the bounds of then.
    if (previous === undefined || !isDeepStrictEqual(previous.originLimits, this.#limits)) return null
    const origin = previous.origins.get(options.name)
    return origin !== undefined && isDeepStrictEqual(origin.options, options) ? origin : null
  }

  #make(options: OriginOptions): Origin {
    const { clock, timers, resolver, observer } = this.#context
    return createOrigin(options, {
      dial: this.#context.dialFor(this.#limits),
      timers,
      clock,
      resolver,
      onEvent: (level, message) => observer.note(level, message),
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const origin of this.origins.values()) {
      const left = (holders.get(origin) ?? 1) - 1
      holders.set(origin, left)
      if (left === 0) origin.close()
    }
  }
}

function optionsOf(name: string, document: OriginDocument, connectMs: number): OriginOptions {
  return {
    name,
    servers: document.servers,
    policy: document.balance,
    connectMs,
    idleMs: document.keepAlive,
    connectionAgeMaxMs: document.connectionAgeMax,
    connectionsMax: document.connectionsMax,
    connectingMax: document.connectingMax,
    waitingMax: document.waitingMax,
    waitMs: document.wait,
    passOverMinMs: document.passOver.min,
    passOverMaxMs: document.passOver.max,
    knockMs: document.passOver.knock,
    ttlMinMs: document.resolve.ttlMin,
    ttlMaxMs: document.resolve.ttlMax,
  }
}
