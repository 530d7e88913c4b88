/**
 * Offenders: the clients whose connections were cut off for abuse, and which of them are turned away for a while.
 *
 * Each offence takes one from its client's budget, which refills with time. A client that uses it up is turned away
 * for `banMs` the first time and twice as long each further time, up to `banMsMax`; after `banMsMax` without another
 * ban everything is forgotten.
 *
 * Promises: memory is fixed, and none is allocated before the first offence; while nobody is turned away `isBanned`
 * is one comparison, otherwise eight at most.
 *
 * Invariants: a client has one place, in the set of `waysMax` that its hash names. Nobody can aim at a set: the hash
 * has a seed. In a full set the client goes whose ban ends soonest, and before those the one that was heard of
 * longest ago: with more offenders than places, the worst are forgotten last.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { clientKeyText } from './client-key.ts'

/**
 * How many places there are, of 30 bytes each. A botnet with more clients than that under way against one
 * process is beyond what we can stop.
 */
export const offendersMax = 16_384
const waysMax = 8
const setsMask = offendersMax / waysMax - 1
/** Doublings beyond this are not counted: the bound of the ban is reached long before. */
const bansMax = 30

export interface OffenderRules {
  /** How many offences at once are not held against a client. */
  readonly offencesMax: number
  /** How long it takes a budget that is used up to be whole again. */
  readonly windowMs: number
  readonly banMs: number
  readonly banMsMax: number
}

/** A client that is turned away now. */
export interface Banned {
  readonly client: string
  readonly remainingMs: number
}

export class Offenders {
  rules: OffenderRules
  readonly #clock: Clock
  readonly #seed: number = randomBytes(4).readUInt32LE()
  #places: Places | null = null
  /** From this time on nobody is turned away. */
  #bannedUntilMs = -Infinity

  constructor(clock: Clock, rules: OffenderRules) {
    this.#clock = clock
    this.rules = rules
  }

  /** Is anybody turned away? */
  get hasBanned(): boolean {
    return this.#bannedUntilMs > this.#clock.nowMs()
  }

  isBanned(high: number, low: number): boolean {
    return this.hasBanned && this.remainingMs(high, low) > 0
  }

  /** For how long this client is still turned away; 0 when it is not. */
  remainingMs(high: number, low: number): number {
    const places = this.#places
    const at = places === null ? -1 : this.#find(places, high, low)
    return places === null || at < 0 ? 0 : Math.max(0, places.untilMs(at) - this.#clock.nowMs())
  }

  /** How many times in a row this client was turned away. */
  bansOf(high: number, low: number): number {
    const places = this.#places
    const at = places === null ? -1 : this.#find(places, high, low)
    return places === null || at < 0 ? 0 : (places.bans[at] as number)
  }

  /**
   * Counts an offence. Returns for how many ms the client is turned away because of it; 0: not yet, or it was
   * already.
   */
  offend(high: number, low: number): number {
    const { rules } = this
    const nowMs = this.#clock.nowMs()
    const places = (this.#places ??= new Places())
    const at = this.#take(places, high, low, nowMs)
    if (places.untilMs(at) > nowMs) return 0
    const sinceMs = nowMs - (places.heardMs[at] as number)
    const back = (sinceMs * rules.offencesMax) / rules.windowMs
    places.heardMs[at] = nowMs
    const spent = Math.max(0, (places.spent[at] as number) - back) + 1
    places.spent[at] = spent
    if (spent <= rules.offencesMax) return 0
    const isForgotten = nowMs - places.untilMs(at) > rules.banMsMax
    const bans = isForgotten ? 0 : (places.bans[at] as number)
    const banMs = Math.min(rules.banMs * 2 ** bans, rules.banMsMax)
    this.#ban(places, at, nowMs + banMs, bans + 1)
    return banMs
  }

  /** Another worker has turned this client away, `bans` times in a row. The longer ban applies. */
  ban(high: number, low: number, remainingMs: number, bans: number): void {
    const nowMs = this.#clock.nowMs()
    const untilMs = nowMs + Math.min(remainingMs, this.rules.banMsMax)
    const places = (this.#places ??= new Places())
    const at = this.#take(places, high, low, nowMs)
    const isLonger = untilMs > places.untilMs(at)
    this.#ban(places, at, isLonger ? untilMs : places.untilMs(at), Math.max(bans, places.bans[at] as number))
  }

  #ban(places: Places, at: number, untilMs: number, bans: number): void {
    places.bannedUntilMs[at] = untilMs
    places.bans[at] = Math.min(bans, bansMax)
    places.spent[at] = 0
    if (untilMs > this.#bannedUntilMs) this.#bannedUntilMs = untilMs
  }

  /** Forgets everybody. */
  clear(): void {
    this.#places = null
    this.#bannedUntilMs = -Infinity
  }

  /** Calls `tell` for each client that is turned away now. */
  eachBanned(tell: (high: number, low: number, remainingMs: number, bans: number) => void): void {
    const places = this.#places
    if (places === null || !this.hasBanned) return
    const nowMs = this.#clock.nowMs()
    for (let at = 0; at < offendersMax; at++) {
      const remainingMs = places.untilMs(at) - nowMs
      if (remainingMs > 0)
        tell(places.high[at] as number, places.low[at] as number, remainingMs, places.bans[at] as number)
    }
  }

  get bannedCount(): number {
    let count = 0
    this.eachBanned(() => count++)
    return count
  }

  /** Those that are turned away the longest, at most `most` of them. */
  banned(most: number): Banned[] {
    const list: Banned[] = []
    this.eachBanned((high, low, remainingMs) => list.push({ client: clientKeyText(high, low), remainingMs }))
    return list.sort((a, b) => b.remainingMs - a.remainingMs).slice(0, most)
  }

  // Places

  #firstOf(high: number, low: number): number {
    let hash = Math.imul(high ^ this.#seed, 0x9e37_79b1) ^ Math.imul(low ^ (this.#seed >>> 7), 0x85eb_ca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35)
    return ((hash ^ (hash >>> 13)) & setsMask) * waysMax
  }

  #find(places: Places, high: number, low: number): number {
    const first = this.#firstOf(high, low)
    for (let at = first; at < first + waysMax; at++)
      if (places.high[at] === high && places.low[at] === low && places.isUsed(at)) return at
    return -1
  }

  /** The client's place: its own, a free one, or that of the client that is missed least. */
  #take(places: Places, high: number, low: number, nowMs: number): number {
    const own = this.#find(places, high, low)
    if (own >= 0) return own
    const first = this.#firstOf(high, low)
    let least = first
    for (let at = first + 1; at < first + waysMax; at++)
      if (places.isUsed(least) && places.isLessThan(at, least, nowMs)) least = at
    places.begin(least, high, low, nowMs)
    return least
  }
}

class Places {
  readonly high: Uint32Array = new Uint32Array(offendersMax)
  readonly low: Uint32Array = new Uint32Array(offendersMax)
  /** When it was last heard of; -Infinity: the place is free. */
  readonly heardMs: Float64Array = new Float64Array(offendersMax).fill(-Infinity)
  /** What was used of the budget, as of `heardMs`. */
  readonly spent: Float32Array = new Float32Array(offendersMax)
  readonly bannedUntilMs: Float64Array = new Float64Array(offendersMax).fill(-Infinity)
  readonly bans: Uint8Array = new Uint8Array(offendersMax)

  isUsed(at: number): boolean {
    return this.heardMs[at] !== -Infinity
  }

  untilMs(at: number): number {
    return this.bannedUntilMs[at] as number
  }

  begin(at: number, high: number, low: number, nowMs: number): void {
    this.high[at] = high
    this.low[at] = low
    this.heardMs[at] = nowMs
    this.spent[at] = this.bans[at] = 0
    this.bannedUntilMs[at] = -Infinity
  }

  /** Would `a` be missed less than `b`? */
  isLessThan(a: number, b: number, nowMs: number): boolean {
    const isABanned = this.untilMs(a) > nowMs
    const isBBanned = this.untilMs(b) > nowMs
    if (isABanned !== isBBanned) return isBBanned
    if (isABanned) return this.untilMs(a) < this.untilMs(b)
    return (this.heardMs[a] as number) < (this.heardMs[b] as number)
  }
}
