/** Explains what one config would do with one request, as data. */
import type { RequestToExplain } from '../admin/explain-body.ts'
import { systemClock } from '../core/clock.ts'
import { Faults, faultRow, NONE, type Fault } from '../core/faults.ts'
import { Timers } from '../core/timers.ts'
import { compilePlan } from '../config/compile.ts'
import type { LoadedConfig } from '../config/load.ts'
import { hasPassedHere, identify } from '../engine/arrival.ts'
import { silentObserver } from '../engine/observer.ts'
import type { ForwardingPlan, Plan } from '../engine/plan.ts'
import { RequestIds } from '../engine/request-id.ts'
import { HeadProgress } from '../h1/head-progress.ts'
import { readRequestHead } from '../h1/read-head.ts'
import type { Dial } from '../http/dial.ts'
import { DONE, Exchange, nobody } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { noWalk } from '../http/no-walk.ts'

export interface Explanation {
  readonly request: {
    readonly method: string
    readonly url: string
    readonly client: string
    readonly path: string
  }
  /** For https: what each listener with TLS shows to a client that asks for the host. */
  readonly tls: readonly string[]
  /** The site, and each route up to the one that took it. */
  readonly routing: readonly string[]
  readonly route: string | null
  readonly steps: readonly { readonly name: string; readonly says: readonly string[] }[]
  /** What is sent to an origin; null when none is asked. */
  readonly sent: Sent | null
  /** Why we answer it with an error of our own; null when we do not. */
  readonly refusal: { readonly status: number; readonly fault: string; readonly sentence: string } | null
}

interface Sent {
  readonly origin: string
  readonly server: string | null
  readonly method: string
  readonly target: string
  readonly fields: readonly (readonly [string, string])[]
}

/** Connects to nobody. */
const noDial: Dial = {
  dial() {
    throw new Error('explain connects to nobody')
  },
}

export function explainRequest(loaded: LoadedConfig, request: RequestToExplain): Explanation {
  const timers = new Timers(systemClock)
  const plan = compilePlan(loaded, {
    clock: systemClock,
    timers,
    observer: silentObserver,
    // A name is shown as it is written: the answer of DNS is not what is asked about.
    resolver: { resolve: () => new Promise(() => {}) },
    dialFor: () => noDial,
    dialForTcp: () => noDial,
  })
  try {
    return explainByPlan(plan, request)
  } finally {
    plan.close()
  }
}

/** Explains by a plan in force: what its steps know by now counts, such as what is stored. */
export function explainByPlan(plan: Plan, request: RequestToExplain): Explanation {
  return new Explainer(plan, request).explain()
}

class Explainer {
  readonly #plan: Plan
  readonly #request: RequestToExplain
  readonly #x = new Exchange()
  readonly #routing: string[] = []
  readonly #steps: { name: string; says: string[] }[] = []

  constructor(plan: Plan, request: RequestToExplain) {
    this.#plan = plan
    this.#request = request
  }

  explain(): Explanation {
    const fault = this.#walk()
    const { method, scheme, authority, target, client } = this.#request
    return {
      request: { method, url: `${scheme}://${authority}${target}`, client, path: this.#x.request.path },
      tls: scheme === 'https' ? this.#tls() : [],
      routing: this.#routing,
      route: this.#x.route?.name ?? null,
      steps: this.#steps,
      sent: fault === NONE ? this.#sent() : null,
      refusal: fault === NONE ? null : refusalOf(fault),
    }
  }

  #tls(): string[] {
    const name = this.#x.request.host
    const securities = [...(this.#plan.tls?.securities ?? [])]
    return securities.flatMap(([listener, security]) =>
      (security.explain?.(name) ?? []).map((sentence) => `${listener}: ${sentence}`),
    )
  }

  /** Walks the route. Returns NONE, or why the request is refused. */
  #walk(): Fault {
    const { forwarding, maintenance, router } = this.#plan
    const x = this.#x
    const encrypted = this.#request.scheme === 'https'
    x.begin({ ...nobody, remoteAddress: this.#request.client, encrypted }, noWalk, 0)
    x.isDry = true
    const unread = this.#readHead()
    if (unread !== NONE) return unread
    this.#identify(forwarding)
    if (hasPassedHere(x, forwarding.viaName)) return Faults.LOOP
    if (maintenance !== NONE) return maintenance
    x.route = router.explain(x, (sentence) => this.#routing.push(sentence))
    return x.route === null ? x.fault : this.#walkSteps()
  }

  #identify(forwarding: ForwardingPlan): void {
    const x = this.#x
    const { client } = this.#request
    const before = namesOf(x.request.fields)
    identify(x, forwarding, new RequestIds())
    const after = new Set(namesOf(x.request.fields))
    const dropped = [...new Set(before)].filter((name) => !after.has(name))
    if (dropped.length > 0) this.#routing.push(`dropped on arrival: ${dropped.join(', ')}`)
    if (x.clientAddress !== client)
      this.#routing.push(`the proxy ${client} is trusted: the client is ${x.clientAddress}`)
  }

  /** Writes the request and reads it as the server does. */
  #readHead(): Fault {
    const { method, target, authority, fields } = this.#request
    const lines = [`${method} ${target} HTTP/1.1`, `Host: ${authority}`]
    for (const { name, value } of fields) if (name.toLowerCase() !== 'host') lines.push(`${name}: ${value}`)
    const bytes = Buffer.from(lines.join('\r\n') + '\r\n\r\n', 'utf8')
    const { request } = this.#x
    const read = readRequestHead(bytes, 0, bytes.length, request, new HeadProgress(), this.#plan.clientLimits)
    if (read === 0) return Faults.REQUEST_LINE_BAD
    if (read < 0) return -read
    this.#x.body.length = request.bodyLength
    return NONE
  }

  #walkSteps(): Fault {
    const x = this.#x
    const { route } = x
    if (route === null) return Faults.NO_ROUTE
    if (x.request.bodyLength > route.limits.requestBodyBytesMax) return Faults.BODY_TOO_LARGE
    for (const handler of route.handlers) {
      const says: string[] = []
      const flow = handler.explain?.(x, (sentence) => says.push(sentence))
      this.#steps.push({ name: handler.name, says })
      if (handler.name === 'maintenance') return Faults.MAINTENANCE
      if (flow === DONE) return NONE
    }
    return NONE
  }

  #sent(): Sent | null {
    const x = this.#x
    const step = this.#steps.at(-1)
    if (step === undefined || step.name !== 'origin') return null
    const { outgoing } = x
    const fields: (readonly [string, string])[] = [['host', outgoing.host]]
    if (outgoing.upgrade !== '') fields.push(['connection', 'upgrade'], ['upgrade', outgoing.upgrade])
    const all = x.request.fields.toArray()
    for (let i = 0; i < all.length; i += 2) {
      const name = (all[i] as string).toLowerCase()
      if (name !== 'host' && name !== 'connection' && name !== 'upgrade')
        fields.push([name, all[i + 1] as string])
    }
    // The step's own sentences say who is asked; what is sent is told here, in columns.
    const origin = /^asks origin "([^"]*)"/.exec(step.says[0] ?? '')?.[1] ?? ''
    step.says.length = Math.min(1, step.says.length)
    const server = this.#plan.origins.get(origin)?.peek(x)?.name ?? null
    return { origin, server, method: outgoing.method, target: outgoing.target, fields }
  }
}

function namesOf(fields: Fields): string[] {
  const lines = fields.toArray()
  return lines.filter((_text, i) => i % 2 === 0).map((name) => name.toLowerCase())
}

function refusalOf(fault: Fault): { status: number; fault: string; sentence: string } {
  const { status, name, sentence } = faultRow(fault)
  return { status, fault: name, sentence }
}
