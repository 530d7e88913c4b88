/**
 * AutomaticCertificates: everything that a process needs of this room: a certificate for a handshake, answers to
 * challenges, the state of each name. It lives as long as the process; a reload configures it anew.
 *
 * A handshake for a name whose certificate is still being obtained waits for it, at most `handshakeWaitMs`, and
 * otherwise ends with an alert. The client is not given a self-signed certificate: people would learn to click
 * warnings away, and a client that had seen Strict-Transport-Security could not even do that. No more than
 * `handshakesWaitingMax` wait.
 */
import { isIP } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import type { Peers } from '../../core/peers.ts'
import { isLocalName, LocalAuthority } from './local-authority.ts'
import { AcmeIssuer, type AcmeSettings } from './acme-issuer.ts'
import { CertificateKeeper } from './certificate-keeper.ts'
import type { KeptCertificate } from './certificate-record.ts'
import { ChallengeAnswers } from './challenge-answers.ts'
import type { Answerer, ChallengeType } from './challenge.ts'
import { FileStorage } from './file-storage.ts'
import type { Issuer, KeyAndChain } from './issuer.ts'
import type { KeeperEntry } from './keeper-entry.ts'
import { OnDemandGate, type OnDemandSettings } from './on-demand.ts'
import { RefusalNotes } from './refusal-notes.ts'
import { covers, isSubjectName } from '../subject-names.ts'
import { statusOf, type CertificateReport } from './certificate-status.ts'

/** A first certificate takes a few seconds; browsers wait for about half a minute. */
export const handshakeWaitMs = 20_000
/** Each costs a connection and some memory, and nothing else comes of it while the CA is down. */
export const handshakesWaitingMax = 1000

export interface AutomaticSettings {
  readonly storageFolder: string
  /** Names to be had from the CA, wildcards too. */
  readonly publicNames: readonly string[]
  /** Names to be had from the local authority. */
  readonly localNames: readonly string[]
  /** '*.localhost' and the like: each name under it gets a certificate of its own at its first handshake. */
  readonly localPatterns: readonly string[]
  /** null: no CA is asked. */
  readonly acme: AcmeSettings | null
  /** In the order in which they are tried. */
  readonly challenges: readonly ChallengeType[]
  readonly dns: Answerer | null
  readonly onDemand: OnDemandSettings | null
}

export interface AutomaticOptions {
  readonly clock: Clock
  readonly peers: Peers | null
  readonly random?: () => number
  readonly note: (level: 'info' | 'warn' | 'error', message: string) => void
}

/** Names that came by handshakes under a local pattern. */
const localNamesMax = 1000
/** A worker that does not order tells the one that does so often that handshakes come for a name. */
const tellAgainMs = 60_000

export class AutomaticCertificates {
  readonly answers: ChallengeAnswers
  readonly #options: AutomaticOptions
  #settings: AutomaticSettings | null = null
  #keeper: CertificateKeeper | null = null
  #storage: FileStorage | null = null
  #issuer: AcmeIssuer | null = null
  #local: LocalAuthority | null = null
  #gate: OnDemandGate | null = null
  readonly #refusals: RefusalNotes
  readonly #obtaining = new Map<string, Promise<KeptCertificate | null>>()
  #isStarted = false
  #waiting = 0

  constructor(options: AutomaticOptions) {
    this.#options = options
    const { clock, note, peers } = options
    this.answers = new ChallengeAnswers(clock, peers)
    this.#refusals = new RefusalNotes(clock, (sentence) => note('warn', sentence))
  }

  /** Takes settings, and resolves when what the storage has of them is at hand. Never rejects. */
  async configure(settings: AutomaticSettings): Promise<void> {
    const { clock } = this.#options
    this.#settings = settings
    const storage = this.#useStorage(settings.storageFolder)
    this.#issuer?.close()
    this.#issuer = settings.acme === null ? null : this.#makeIssuer(settings, settings.acme, storage)
    this.#local ??= new LocalAuthority(storage, clock)
    this.#local.addresses = settings.localNames.filter((name) => isIP(name) !== 0)
    if (settings.onDemand === null) this.#gate = null
    else if (this.#gate === null) this.#gate = new OnDemandGate(settings.onDemand, clock)
    else this.#gate.configure(settings.onDemand)
    const wanted = new Map<string, Issuer>()
    for (const name of settings.localNames) wanted.set(name, this.#local)
    if (this.#issuer !== null) for (const name of settings.publicNames) wanted.set(name, this.#issuer)
    const keeper = (this.#keeper ??= this.#makeKeeper(storage))
    for (const entry of keeper.entries())
      if (entry.isOnDemand && this.#onDemandIssuer(entry.name) === null) keeper.drop(entry.name)
    await keeper.keep(wanted)
    if (this.#isStarted) keeper.start()
  }

  /** The config wants no certificates that come by themselves any more: none is served or renewed. Never rejects. */
  async rest(): Promise<void> {
    const keeper = this.#keeper
    this.#settings = null
    this.#issuer?.close()
    this.#issuer = null
    this.#gate = null
    if (keeper === null) return
    for (const entry of keeper.entries()) keeper.drop(entry.name)
    await keeper.keep(new Map())
  }

  #useStorage(folder: string): FileStorage {
    if (this.#storage?.folder === folder) return this.#storage
    void this.#keeper?.close()
    this.#keeper = null
    this.#local = null
    return (this.#storage = new FileStorage(folder))
  }

  #makeIssuer(settings: AutomaticSettings, acme: AcmeSettings, storage: FileStorage): AcmeIssuer {
    const { http, alpn } = this.answers
    const byType = { 'http-01': http, 'tls-alpn-01': alpn, 'dns-01': settings.dns }
    const answerers = settings.challenges.flatMap((type) => byType[type] ?? [])
    return new AcmeIssuer({ settings: acme, storage, clock: this.#options.clock, answerers: () => answerers })
  }

  #makeKeeper(storage: FileStorage): CertificateKeeper {
    const { clock, peers, note, random = Math.random } = this.#options
    return new CertificateKeeper({
      clock,
      peers,
      note,
      random,
      storage,
      onWanted: (name) => void this.#obtain(name),
    })
  }

  /** Orders from now on: the listeners are open. */
  start(): void {
    this.#isStarted = true
    this.#keeper?.start()
  }

  /** For a handshake that asks for `name`, lower case: what there is now; null for nothing. */
  find(name: string): KeptCertificate | null {
    const entry = this.#entryFor(name)
    if (entry === null) return null
    const { clock } = this.#options
    const wallMs = clock.wallMs()
    entry.usedMs = clock.nowMs()
    if (entry.state.renewAtMs <= wallMs) this.#press(entry)
    const { certificate } = entry
    const isGood = certificate !== null && certificate.facts.notAfterMs > wallMs
    // One that is over says more to who looks than an alert, unless a better one is near.
    return isGood || !this.#isWorthWaiting(entry, wallMs) ? certificate : null
  }

  /** Where `find` has nothing: gets one while the handshake waits; null when there will be none. */
  resolve(name: string): Promise<KeptCertificate | null> | null {
    const entry = this.#entryFor(name)
    if (entry === null)
      return this.#onDemandIssuer(name) === null ? null : this.#await(() => this.#fetch(name))
    return this.#isWorthWaiting(entry, this.#options.clock.wallMs()) ? this.#await(() => entry.next()) : null
  }

  /** Whose certificate is for clients that name nobody: who asks for an address does not. '' for none. */
  get unnamed(): string {
    const { localNames = [], publicNames = [] } = this.#settings ?? {}
    const names = [...localNames, ...publicNames]
    return names.find((name) => isIP(name) !== 0 || name === 'localhost') ?? ''
  }

  /** Both: at once where there is one, null where there will be none, else when it is here. */
  identify(name: string): KeptCertificate | null | Promise<KeptCertificate | null> {
    return this.find(name) ?? this.resolve(name)
  }

  #entryFor(name: string): KeeperEntry | null {
    const keeper = this.#keeper
    if (keeper === null) return null
    return keeper.entry(name) ?? keeper.entry(`*${name.slice(name.indexOf('.'))}`)
  }

  /** Not when the next try comes too late for a handshake. */
  #isWorthWaiting({ state }: KeeperEntry, wallMs: number): boolean {
    return state.retryAtMs <= wallMs + handshakeWaitMs
  }

  /** A handshake is here for a name whose certificate is to be renewed. */
  #press(entry: KeeperEntry): void {
    const keeper = this.#keeper as CertificateKeeper
    if (keeper.isLeader) {
      entry.isWanted = true
      return keeper.hasten(entry)
    }
    const nowMs = this.#options.clock.nowMs()
    if (!entry.isOnDemand || entry.toldMs > nowMs - tellAgainMs) return
    entry.toldMs = nowMs
    keeper.want(entry.name)
  }

  async #await(next: () => Promise<KeptCertificate | null>): Promise<KeptCertificate | null> {
    if (this.#waiting >= handshakesWaitingMax) return null
    this.#waiting++
    const { promise: late, resolve } = Promise.withResolvers<null>()
    const timer = this.#options.clock.after(handshakeWaitMs, () => resolve(null))
    try {
      return await Promise.race([next(), late])
    } finally {
      timer.cancel()
      this.#waiting--
    }
  }

  /** Who makes certificates for a name that is on no list; null when nobody does. */
  #onDemandIssuer(name: string): Issuer | null {
    const { localPatterns = [] } = this.#settings ?? {}
    if (isSubjectName(name) && localPatterns.some((pattern) => covers(pattern, name))) return this.#local
    if (this.#gate === null || this.#issuer === null || isLocalName(name)) return null
    return this.#gate.isOutOfQuestion(name) ? null : this.#issuer
  }

  async #fetch(name: string): Promise<KeptCertificate | null> {
    const keeper = this.#keeper as CertificateKeeper
    const issuer = this.#onDemandIssuer(name)
    if (issuer === null) return null
    if (keeper.isLeader) return this.#obtain(name)
    // Another process may have had it before us.
    const entry = await keeper.keepOnDemand(name, issuer)
    if (entry === null) return null
    if (entry.certificate === null) {
      const next = entry.next()
      keeper.want(name)
      await next
    }
    return this.#settleOnDemand(entry)
  }

  /** Of the worker that orders: what is stored, or a new one when the rule allows it. One at a time for a name. */
  #obtain(name: string): Promise<KeptCertificate | null> {
    const under = this.#obtaining.get(name)
    if (under !== undefined) return under
    const obtaining = this.#obtainNow(name).finally(() => this.#obtaining.delete(name))
    this.#obtaining.set(name, obtaining)
    return obtaining
  }

  async #obtainNow(name: string): Promise<KeptCertificate | null> {
    const keeper = this.#keeper as CertificateKeeper
    const issuer = this.#onDemandIssuer(name)
    const known = keeper.entry(name)
    if (known !== null) return this.#ofKnown(known)
    if (issuer === null) return this.#refuse(name, '')
    if (issuer !== this.#local) {
      const no = await (this.#gate as OnDemandGate).ask(name)
      if (no !== '') return this.#refuse(name, no)
    }
    const entry = await keeper.keepOnDemand(name, issuer)
    if (entry === null) return null
    if (entry.certificate !== null && entry.certificate.facts.notAfterMs > this.#options.clock.wallMs()) {
      this.#settleOnDemand(entry)
      return this.#ofKnown(entry)
    }
    const next = entry.next()
    this.#press(entry)
    const certificate = await next
    this.#settleOnDemand(entry)
    return certificate
  }

  /** A name that has none goes; for one that has, those go that were not asked for longest. Whoever is refused puts out nobody. */
  #settleOnDemand({ name, issuer, certificate }: KeeperEntry): KeptCertificate | null {
    const keeper = this.#keeper as CertificateKeeper
    if (certificate === null) {
      keeper.drop(name)
      return null
    }
    const most = issuer === this.#local ? localNamesMax : (this.#gate?.settings.namesMax ?? 0)
    const others = [...keeper.entries()].filter(
      (entry) =>
        entry.isOnDemand && entry.issuer === issuer && entry.certificate !== null && entry.name !== name,
    )
    if (others.length < most) return certificate
    others.sort((a, b) => a.usedMs - b.usedMs)
    for (const entry of others.slice(0, others.length + 1 - most)) keeper.drop(entry.name)
    return certificate
  }

  /** There is one, or it is being had: who asked from another worker is told as well. */
  #ofKnown(entry: KeeperEntry): KeptCertificate | null | Promise<KeptCertificate | null> {
    if (entry.state.renewAtMs <= this.#options.clock.wallMs()) this.#press(entry)
    if (entry.certificate === null) return entry.next()
    this.#keeper?.share(entry)
    return entry.certificate
  }

  #refuse(name: string, why: string): null {
    if (why !== '') this.#refusals.tell(name, why)
    this.#keeper?.refuse(name)
    return null
  }

  /** For a handshake of tls-alpn-01; null: there is no challenge for the name. */
  challenge(name: string): KeyAndChain | null {
    return this.answers.alpnCertificate(name)
  }

  /** What each name has, for the admin page and `headgate cert ls`. */
  status(): CertificateReport {
    const keeper = this.#keeper
    if (keeper === null) return { isLeader: true, certificates: [] }
    const nowMs = this.#options.clock.wallMs()
    return {
      isLeader: keeper.isLeader,
      certificates: Array.from(keeper.entries(), (entry) => statusOf(entry, nowMs)),
    }
  }

  /** For the metrics. */
  get gauges(): {
    readonly notAfterSeconds: ReadonlyMap<string, number>
    readonly onDemand: number
    readonly ordered: number
    readonly failed: number
  } {
    const notAfterSeconds = new Map<string, number>()
    let onDemand = 0
    for (const { name, isOnDemand, certificate } of this.#keeper?.entries() ?? []) {
      if (isOnDemand) onDemand += certificate === null ? 0 : 1
      else notAfterSeconds.set(name, (certificate?.facts.notAfterMs ?? 0) / 1000)
    }
    const { ordered, failed } = this.#keeper?.counts ?? { ordered: 0, failed: 0 }
    return { notAfterSeconds, onDemand, ordered, failed }
  }

  /** Has these renewed now, or all when none is named. Gives the names; none where another worker orders. */
  renew(names: readonly string[]): readonly string[] {
    const keeper = this.#keeper
    if (keeper === null || !keeper.isLeader) return []
    const renewed: string[] = []
    for (const entry of keeper.entries()) {
      if (names.length > 0 && !names.includes(entry.name)) continue
      entry.isForced = true
      keeper.hasten(entry)
      renewed.push(entry.name)
    }
    return renewed
  }

  async close(): Promise<void> {
    this.answers.close()
    await this.#keeper?.close()
    this.#issuer?.close()
  }
}
