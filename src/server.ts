/**
 * HeadgateServer: one process's server, put together: clock, timers, listeners, engine, logs and the plan in force.
 *
 * `createServer(config)` compiles the config and opens nothing; `listen()` opens what the plan says. A reload is two
 * steps, so that several workers can take it together: `prepare` compiles the new config and opens what it needs (a
 * config that is wrong, a log or a port that cannot be had reject it, and nothing has changed), `commit` swaps.
 *
 * Invariants: between `prepare` and `commit` or `discard` there is at most one plan waiting; the plan in force is
 * closed when its last exchange is finished; after `close` nothing of the server keeps the process alive.
 */
import type { Server } from 'node:net'
import type { DiskSettings } from './cache/disk/options.ts'
import { totalOf, type PurgeTotal } from './cache/purge/purge-total.ts'
import { SharedCache } from './cache/shared-cache.ts'
import type { PurgeRequest } from './cache/store/store.ts'
import type { RequestToExplain } from './admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from './admin/warm-body.ts'
import { DateText, systemClock } from './core/clock.ts'
import type { Peers } from './core/peers.ts'
import { Timers } from './core/timers.ts'
import { compilePlan, type CompileContext } from './config/compile.ts'
import { loadConfig, readConfig, type LoadedConfig } from './config/load.ts'
import { speaksTls } from './config/speaks-tls.ts'
import type { HeadgateConfig } from './config/document.ts'
import { Engine } from './engine/chain.ts'
import { Observe, type MetricsSnapshot } from './engine/observe.ts'
import type { ListenerPlan, Plan } from './engine/plan.ts'
import { OriginDial } from './server/origin-dial.ts'
import { SocketConnector } from './net/connect.ts'
import { warnIfTooFewDescriptors } from './net/descriptors.ts'
import { chooseSockets } from './net/socket-mode.ts'
import { chooseTls } from './net/tls-mode.ts'
import type { Resolver } from './origin/resolver.ts'
import { SystemResolver } from './origin/system-resolver.ts'
import { TcpDial } from './tcp/tcp-dial.ts'
import { Doors } from './server/doors.ts'
import type { CertificateReport } from './tls/acme/certificate-status.ts'
import { Credentials } from './server/credentials.ts'
import { Http3 } from './server/http3.ts'
import type { BoundAddress } from './server/open-listeners.ts'
import { explainByPlan, type Explanation } from './server/explanation.ts'
import { Warming } from './server/warming.ts'

export { loadConfig }
export type { BoundAddress, LoadedConfig }

/** At the end, log lines that still wait have this long to be written. */
const logsCloseMs = 2000

/** How many of the clients that are turned away the admin page shows. */
const bannedShownMax = 100

export interface ServerOptions {
  /** Messages between workers; absent: this process is alone. */
  readonly peers?: Peers
  /** Where the workers share their cache if the config names no folder; absent: each has a cache of its own. */
  readonly shared?: DiskSettings
  /** Other processes write the same logs and accept on the same sockets, which come by `adopt`. */
  readonly isShared?: boolean
  /** This process serves UDP. By default it does if it is the only process. */
  readonly servesUdp?: boolean
  /** Looks up the servers that are given by name; the system's own by default. */
  readonly resolver?: Resolver
  /** Listeners that are open already and keep their names. */
  readonly openListeners?: readonly ListenerPlan[]
}

export interface CloseReport {
  /** How many connections, tunnels included, had not ended when the time was over and were cut. */
  readonly cutCount: number
  readonly tookMs: number
}

interface Prepared {
  readonly plan: Plan
  /** The listeners that were opened for it. */
  readonly opened: readonly string[]
}

/**
 * Makes a server from a config as people write it, or as `loadConfig` returns it. Rejects with an Error whose
 * message lists every mistake and its place.
 */
export async function createServer(
  config: HeadgateConfig | LoadedConfig,
  options: ServerOptions = {},
): Promise<HeadgateServer> {
  const loaded = readConfig(config)
  // Before the first listener: accepting and connecting then go the way that was chosen from the first connection on.
  await chooseSockets()
  await chooseTlsFor(loaded)
  return new HeadgateServer(loaded, options)
}

async function chooseTlsFor({ document }: LoadedConfig): Promise<void> {
  if (document !== null && speaksTls(document)) await chooseTls()
}

export class HeadgateServer {
  readonly #timers = new Timers(systemClock)
  readonly #resolver: Resolver
  readonly #connector = new SocketConnector()
  readonly #observe: Observe
  readonly #engine: Engine
  readonly #doors: Doors
  readonly #isShared: boolean
  readonly #peers: Peers | null
  readonly #shared: DiskSettings | null
  readonly #warming: Warming
  /** Made when a route first has a cache, and kept over reloads. */
  #cache: SharedCache | null = null
  readonly #credentials: Credentials
  /** null: another worker serves HTTP/3. */
  readonly #http3: Http3 | null
  readonly #startedMs = systemClock.nowMs()
  #prepared: Prepared | null = null
  #closing: Promise<CloseReport> | null = null

  /** Use `createServer`. */
  constructor(config: LoadedConfig, options: ServerOptions) {
    this.#isShared = options.isShared ?? false
    this.#peers = options.peers ?? null
    this.#shared = options.shared ?? null
    this.#resolver = options.resolver ?? new SystemResolver()
    this.#observe = new Observe({ isShared: this.#isShared })
    this.#credentials = new Credentials({
      clock: systemClock,
      peers: this.#peers,
      note: (level, message) => this.#observe.note(level, message),
    })
    const plan = this.#compile(config, { openListeners: options.openListeners ?? [] })
    try {
      this.#observe.prepare(plan)
    } catch (error) {
      plan.close()
      throw error
    }
    this.#observe.use(plan)
    this.#engine = new Engine({
      clock: systemClock,
      timers: this.#timers,
      observer: this.#observe,
      plan,
      challenges: this.#credentials.automatic.answers,
    })
    this.#warming = new Warming({
      serve: this.#engine,
      clock: systemClock,
      limits: () => this.plan.clientLimits,
    })
    this.#doors = new Doors({
      serve: this.#engine,
      timers: this.#timers,
      dateText: new DateText(systemClock),
      limits: plan.clientLimits,
      connectionsMax: plan.connectionsMax,
      note: (level, message) => this.#observe.note(level, message),
      onFault: (fault, peer) => this.#observe.onConnectionFault(fault, peer),
      observer: this.#observe,
      peers: this.#peers,
    })
    this.#doors.configure(plan)
    this.#http3 = (options.servesUdp ?? !this.#isShared) ? new Http3(this.#doors) : null
    this.#http3?.prepare(plan)
    this.#observe.gauges = {
      inFlight: () => this.#engine.running,
      connections: () => this.#doors.connectionCount,
      connectionsTotal: () => this.#doors.listeners.acceptedCount,
      tunnels: () => this.#engine.tunnelCount,
      heldBytes: () => this.#doors.relief.heldBytes,
      passages: () => this.#doors.passageCount,
      handshakes: () => this.#doors.handshakes,
      isDraining: () => this.#doors.isDraining,
      bans: () => ({ clients: this.#doors.abuse.bannedCount, total: this.#doors.abuse.banCount }),
      cache: () => this.#cache?.snapshot() ?? null,
      certificates: () => (this.plan.automatic == null ? null : this.#credentials.automatic.gauges),
    }
  }

  #compile(config: LoadedConfig, before: Pick<CompileContext, 'previous' | 'openListeners'>): Plan {
    return compilePlan(config, {
      dialFor: (limits) => new OriginDial({ connector: this.#connector, timers: this.#timers, limits }),
      dialForTcp: () => new TcpDial(this.#connector, this.#timers),
      timers: this.#timers,
      clock: systemClock,
      observer: this.#observe,
      resolver: this.#resolver,
      ...(this.#shared === null ? {} : { sharedFolder: this.#shared }),
      openCache: (settings) =>
        (this.#cache ??= new SharedCache({
          clock: systemClock,
          timers: this.#timers,
          settings,
          peers: this.#peers,
          // A server that only compiles, like the supervisor's, must not become one more that keeps the
          // folder's accounts.
          opensLater: true,
          warn: (sentence) => this.#observe.note('warn', sentence),
        })),
      tls: this.#credentials.services(config),
      ...before,
    })
  }

  /** The plan in force. */
  get plan(): Plan {
    return this.#engine.plan
  }

  /** Where it listens; ports are the real ones where the config says 0. */
  get addresses(): readonly BoundAddress[] {
    return this.#doors.listeners.addresses
  }

  /** Opens the listeners. When one cannot be opened it rejects with a sentence and a remedy, and none is open. */
  async listen(): Promise<void> {
    const { plan } = this
    // Stored answers and certificates are at hand when the first client comes.
    this.#cache?.open()
    await this.#credentials.configure(plan)
    // With workers the supervisor opens the listeners, and warns once for all.
    if (!this.#isShared) {
      await this.#doors.open(plan.listeners, plan.tls ?? null)
      const warning = warnIfTooFewDescriptors(plan.connectionsMax)
      if (warning !== '') this.#observe.note('warn', warning)
    }
    await this.#http3?.open(plan)
    this.#credentials.start(plan)
  }

  /** Accepts on a socket that the supervisor opened, under the name of its listener. Rejects when it cannot. */
  async adopt(name: string, handle: Server): Promise<void> {
    await this.#doors.listeners.adopt(name, handle)
  }

  /**
   * Compiles a config and obtains what it needs, ready for `commit`. If it rejects, with the reason, nothing
   * has changed.
   */
  async prepare(config: HeadgateConfig | LoadedConfig): Promise<{ hash: string }> {
    const loaded = readConfig(config)
    this.discard()
    await chooseTlsFor(loaded)
    const plan = this.#compile(loaded, { previous: this.plan })
    try {
      this.#http3?.prepare(plan)
      this.#observe.prepare(plan)
      const opened = this.#isShared ? [] : await this.#doors.open(plan.listeners, plan.tls ?? null)
      this.#prepared = { plan, opened }
    } catch (error) {
      this.#observe.discard()
      plan.close()
      throw error
    }
    return { hash: plan.hash }
  }

  /** Serves new requests with what was prepared; requests under way keep the route that they took. */
  commit(): void {
    const prepared = this.#prepared
    if (prepared === null) return
    this.#prepared = null
    const { plan } = prepared
    this.#observe.use(plan)
    this.#cache?.configure(plan.cache ?? null)
    this.#engine.swap(plan)
    this.#doors.configure(plan)
    this.#doors.listeners.closeOthers(plan.listeners)
    void this.#credentials.configure(plan)
    this.#http3?.follow(plan)
  }

  /** Drops what was prepared. */
  discard(): void {
    const prepared = this.#prepared
    if (prepared === null) return
    this.#prepared = null
    this.#observe.discard()
    this.#doors.listeners.close(prepared.opened)
    prepared.plan.close()
  }

  /** Takes a new config into use (`prepare` and `commit`). A wrong one rejects and leaves the old one in force. */
  async reload(config: HeadgateConfig | LoadedConfig): Promise<void> {
    await this.prepare(config)
    this.commit()
  }

  /**
   * Stops accepting, gives what is under way at most `drainMs` to end (by default the config's `drainTimeout`;
   * tunnels are closed in their protocol's way), then cuts what is left. If it is called again with a `drainMs`
   * of 0 it cuts at once.
   */
  close(options: { readonly drainMs?: number } = {}): Promise<CloseReport> {
    if (this.#closing !== null && options.drainMs === 0) this.#doors.hurry()
    this.#closing ??= this.#close(options.drainMs ?? this.plan.drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<CloseReport> {
    const startedMs = systemClock.nowMs()
    this.discard()
    this.#warming.stop()
    this.#engine.drainTunnels()
    await this.#doors.drain(drainMs)
    this.#engine.cutTunnels()
    const cutCount = await this.#doors.cut()
    await this.#http3?.close()
    const tookMs = systemClock.nowMs() - startedMs
    if (cutCount > 0)
      this.#observe.note('warn', `${cutCount} connections were cut after ${Math.round(tookMs)} ms`)
    this.#cache?.close()
    await this.#credentials.close()
    this.plan.close()
    await this.#observe.logs.close(logsCloseMs)
    return { cutCount, tookMs }
  }

  /** Cuts everything before it returns, for the last moment of a process. Tunnels then get no line in the log. */
  stopNow(): void {
    this.#closing ??= Promise.resolve({ cutCount: 0, tookMs: 0 })
    try {
      this.#doors.destroyAll()
      this.plan.close()
    } finally {
      this.#observe.logs.flushNow()
    }
  }

  /** Opens the log files anew, after they were moved away. */
  async reopenLogs(): Promise<void> {
    await this.#observe.logs.reopen()
  }

  /** Purges what this process has stored; each of several workers must be told. It is gone before this returns. */
  async purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    return this.#cache?.purgeAndCount(requests) ?? totalOf([])
  }

  /** The count of an earlier purge so far; null when that purge is not remembered. */
  purgeTotal(id: string): PurgeTotal | null {
    return this.#cache?.purgeTotal(id) ?? null
  }

  /** The state of the automatic certificates. */
  certificates(): CertificateReport {
    return this.#credentials.automatic.status()
  }

  /**
   * Renews the certificates of these names, or of all when none is given; returns the names that this process
   * orders.
   */
  renewCertificates(names: readonly string[]): readonly string[] {
    return this.#credentials.automatic.renew(names)
  }

  /** Explains what would happen to a request now. */
  explain(request: RequestToExplain): Explanation {
    return explainByPlan(this.plan, request)
  }

  /** Fetches URLs into the cache of this process, or tells the progress of that. */
  warm(order: WarmOrder): WarmProgress {
    return this.#warming.act(order)
  }

  /** Everything that is counted. */
  snapshot(): MetricsSnapshot {
    return this.#observe.snapshot()
  }

  /** What the admin page shows about this process. */
  status(): object {
    return {
      uptimeMs: Math.round(systemClock.nowMs() - this.#startedMs),
      planHash: this.plan.hash,
      isDraining: this.#doors.isDraining,
      connections: this.#doors.connectionCount,
      tunnels: this.#engine.tunnelCount,
      inFlight: this.#engine.running,
      deadlines: this.#timers.hanging,
      banned: this.#doors.abuse.banned(bannedShownMax),
      ...(this.#cache === null
        ? {}
        : { cache: { ...this.#cache.status(), sites: this.#observe.siteCaches() } }),
      origins: Array.from(this.plan.origins.values(), (origin) => origin.snapshot()),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
