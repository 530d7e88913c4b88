/**
 * CertificateKeeper: always has a certificate for each of its names, from the storage, from an issuer, or from the
 * worker that orders, and renews it in time.
 *
 * Promises: a certificate is served until the next one is here, so nobody notices a renewal; a name whose certificate
 * is in the storage causes no order; one of all the workers orders, at most `ordersMax` certificates at a time; a
 * name that fails is tried again by the schedule, for ever.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import type { Peers } from '../../core/peers.ts'
import { CertificatePeers, type CertificateMessage } from './certificate-peers.ts'
import { CertificateRecords, kept, stateOf, type KeptCertificate } from './certificate-record.ts'
import { askRenewal, stateAfter, takeTurn, type TurnTools } from './issue-turn.ts'
import type { Issuer } from './issuer.ts'
import { KeeperEntry } from './keeper-entry.ts'
import { AcmeError } from './problem.ts'
import type { Storage } from './storage.ts'

/** Orders at a time: enough for thousands of names in an hour, and polite. */
export const ordersMax = 4
/** What is due is looked for at least so often: clocks are set, machines sleep, the worker that orders may go. */
const lookMs = 15_000

export interface KeeperOptions {
  readonly clock: Clock
  readonly storage: Storage
  readonly peers: Peers | null
  readonly random: () => number
  readonly note: (level: 'info' | 'warn' | 'error', message: string) => void
  /** A worker has a handshake for a name that is not kept here; only the one that orders is told. */
  readonly onWanted: (name: string) => void
}

export interface KeeperCounts {
  ordered: number
  failed: number
}

export class CertificateKeeper {
  readonly counts: KeeperCounts = { ordered: 0, failed: 0 }
  readonly #options: KeeperOptions
  readonly #tools: TurnTools
  readonly #peers: CertificatePeers
  readonly #entries = new Map<string, KeeperEntry>()
  readonly #ending = new AbortController()
  readonly #turns = new Set<Promise<void>>()
  #timer: ClockTimer | null = null
  #isStarted = false

  constructor(options: KeeperOptions) {
    const { clock, storage, random, peers } = options
    this.#options = options
    this.#tools = { clock, storage, random, records: new CertificateRecords(storage, random) }
    this.#peers = new CertificatePeers(peers, (message) => this.#hear(message))
  }

  get isLeader(): boolean {
    return this.#peers.isLeader
  }

  entries(): Iterable<KeeperEntry> {
    return this.#entries.values()
  }

  entry(name: string): KeeperEntry | null {
    return this.#entries.get(name) ?? null
  }

  /** Orders from now on: when challenges can be answered. */
  start(): void {
    this.#isStarted = true
    this.#look()
  }

  /** Keeps these names from now on, and others that came by handshakes. Resolves when the storage has been read. */
  async keep(wanted: ReadonlyMap<string, Issuer>): Promise<void> {
    for (const entry of this.#entries.values())
      if (!entry.isOnDemand && !wanted.has(entry.name)) this.drop(entry.name)
    const loading: Promise<void>[] = []
    for (const [name, issuer] of wanted) {
      const old = this.#entries.get(name)
      if (old !== undefined && !old.isOnDemand && old.issuer.folder === issuer.folder) {
        old.issuer = issuer
        continue
      }
      loading.push(this.#add(name, issuer, false))
    }
    await Promise.all(loading)
    this.#look()
  }

  /** Keeps one that a handshake asked for. Resolves when the storage has been read; null: it was dropped meanwhile. */
  async keepOnDemand(name: string, issuer: Issuer): Promise<KeeperEntry | null> {
    await this.#add(name, issuer, true)
    return this.entry(name)
  }

  async #add(name: string, issuer: Issuer, isOnDemand: boolean): Promise<void> {
    const entry = new KeeperEntry(name, issuer, isOnDemand)
    entry.usedMs = this.#options.clock.nowMs()
    // The old one is served until there is one of the other issuer.
    const old = this.#entries.get(name)
    const served = old?.certificate ?? null
    old?.settle(null)
    entry.certificate = served
    this.#entries.set(name, entry)
    try {
      const stored = await this.#tools.records.read(issuer.folder, name)
      if (this.#entries.get(name) !== entry) return
      // Else another worker has told of a newer one meanwhile.
      if (stored.certificate !== null && entry.certificate === served) this.#adopt(entry, stored.certificate)
      entry.state = stored.state
    } catch (error) {
      this.#options.note('error', `the certificate for ${name} cannot be read: ${messageOf(error)}`)
    }
    entry.isLoaded = true
  }

  drop(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.delete(name)
    entry.settle(null)
  }

  /** Has what is due for `entry` done now rather than at the next look. */
  hasten(entry: KeeperEntry): void {
    const nowMs = this.#options.clock.wallMs()
    if (!entry.isBusy && entry.dueMs(nowMs) <= nowMs) this.#look()
  }

  /** Tells the worker that orders of a handshake for a name. */
  want(name: string): void {
    this.#peers.tell({ kind: 'wanted', name })
  }

  /** Tells the others that a name which they wanted is not to be had. */
  refuse(name: string): void {
    this.#peers.tell({ kind: 'refused', name })
  }

  /** Gives the others the certificate of `entry`. */
  share({ name, issuer, certificate }: KeeperEntry): void {
    if (certificate === null) return
    const { key, chain } = certificate
    this.#peers.tell({ kind: 'certificate', name, folder: issuer.folder, key, chain })
  }

  #look(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (!this.#isStarted || this.#ending.signal.aborted) return
    const nowMs = this.#options.clock.wallMs()
    let nextMs = nowMs + lookMs
    if (this.isLeader) {
      for (const entry of this.#entries.values()) {
        if (!entry.isLoaded || entry.isBusy) continue
        const dueMs = entry.dueMs(nowMs)
        if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs)
        else if (this.#turns.size < ordersMax) this.#begin(entry)
      }
    }
    this.#timer = this.#options.clock.after(Math.max(nextMs - nowMs, 50), () => this.#look())
  }

  #begin(entry: KeeperEntry): void {
    entry.isBusy = true
    const turn = this.#turn(entry).finally(() => {
      entry.isBusy = false
      this.#turns.delete(turn)
      this.#look()
    })
    this.#turns.add(turn)
  }

  /** Never rejects. */
  async #turn(entry: KeeperEntry): Promise<void> {
    const { signal } = this.#ending
    if (entry.needsCertificate(this.#options.clock.wallMs())) {
      try {
        await this.#get(entry, signal)
      } catch (error) {
        if (!signal.aborted) await this.#failed(entry, error)
        return
      }
    }
    await this.#ask(entry, signal)
  }

  async #get(entry: KeeperEntry, signal: AbortSignal): Promise<void> {
    const { name, issuer } = entry
    const startedMs = this.#options.clock.nowMs()
    const { certificate, state, isOrdered, storageError } = await takeTurn(entry, this.#tools, signal)
    entry.isForced = false
    entry.isWanted = false
    entry.state = state
    if (this.#entries.get(name) !== entry) return
    this.#adopt(entry, certificate)
    const { facts } = certificate
    this.share(entry)
    if (!isOrdered) return
    this.counts.ordered++
    const seconds = ((this.#options.clock.nowMs() - startedMs) / 1000).toFixed(1)
    const until = new Date(facts.notAfterMs).toISOString().replace('.000', '')
    this.#options.note(
      'info',
      `certificate for ${name} from ${issuer.title} in ${seconds} s, good until ${until}`,
    )
    if (entry.needsCertificate(this.#options.clock.wallMs()))
      this.#options.note(
        'warn',
        `the certificate for ${name} is due to be renewed already: is the clock right?`,
      )
    if (storageError !== '')
      this.#options.note('error', `the certificate for ${name} is served, but not stored: ${storageError}`)
  }

  async #failed(entry: KeeperEntry, error: unknown): Promise<void> {
    const { clock, random, note } = this.#options
    this.counts.failed++
    entry.isForced = false
    entry.state = stateAfter(error, entry.state, clock.wallMs(), random())
    const nowMs = clock.wallMs()
    const waitMs = entry.dueMs(nowMs) - nowMs
    const again = waitMs === Infinity ? 'when a handshake asks for it' : `in ${durationText(waitMs)}`
    const has = entry.certificate === null ? 'no certificate' : 'no new certificate'
    entry.settle(null)
    this.refuse(entry.name)
    await this.#writeState(entry)
    note('error', `${has} for ${entry.name}: ${messageOf(error)}; next try ${again}`)
  }

  /** When to renew, where the CA says so. What fails here is tried again; the lifetime holds meanwhile. */
  async #ask(entry: KeeperEntry, signal: AbortSignal): Promise<void> {
    const { clock, note } = this.#options
    if (entry.certificate === null || entry.state.windowAgainMs > clock.wallMs()) return
    try {
      const before = entry.state.window
      entry.state = await askRenewal(entry, this.#tools, signal)
      const { window, renewAtMs } = entry.state
      if (window !== null && before !== null && window.endMs < before.endMs)
        note('info', `the CA wants ${entry.name} renewed earlier: ${new Date(renewAtMs).toISOString()}`)
    } catch (error) {
      if (signal.aborted) return
      const toldMs = error instanceof AcmeError ? error.retryAfterMs : 0
      entry.state = { ...entry.state, windowAgainMs: clock.wallMs() + Math.max(toldMs, 3_600_000) }
    }
    await this.#writeState(entry)
  }

  async #writeState(entry: KeeperEntry): Promise<void> {
    try {
      await this.#tools.records.writeState(entry.issuer.folder, entry.name, entry.state)
    } catch (error) {
      this.#options.note('warn', `the state of ${entry.name} is not stored: ${messageOf(error)}`)
    }
  }

  #adopt(entry: KeeperEntry, certificate: KeptCertificate): void {
    entry.certificate = certificate
    entry.settle(certificate)
  }

  #hear(message: CertificateMessage): void {
    if (message.kind === 'wanted') {
      if (this.isLeader) this.#options.onWanted(message.name)
      return
    }
    const entry = this.#entries.get(message.name)
    if (entry === undefined) return
    if (message.kind === 'refused') return entry.settle(null)
    if (message.folder !== entry.issuer.folder) return
    const certificate = kept(message)
    entry.state = stateOf(certificate, this.#options.random())
    this.#adopt(entry, certificate)
  }

  /** Gives up what is under way, and resolves when its locks are free. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the server ends'))
    this.#timer?.cancel()
    for (const entry of this.#entries.values()) entry.settle(null)
    await Promise.allSettled(this.#turns)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}
