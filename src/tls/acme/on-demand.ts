/**
 * On-demand certificates: decides whether a name that a handshake brought may have one. Anybody can bring any name,
 * so without a rule strangers would use up the CA's limits: there must be a list, or somebody to ask.
 *
 * Bounds: `asksMax` questions at a time; a refusal is remembered for `refusedMs`, of at most `refusedNamesMax` names;
 * at most `anHourMax` names are accepted in an hour.
 */
import type { Clock } from '../../core/clock.ts'
import { covers, isSubjectName } from '../subject-names.ts'
import { isIP } from 'node:net'

export interface OnDemandSettings {
  /** The URL that is asked with `?domain=NAME`: 200 means yes, anything else no. '' for none. */
  readonly ask: string
  /** Names, and wildcards for one label, that need not be asked about. */
  readonly allow: readonly string[]
  /** How many new certificates there may be in an hour. */
  readonly anHourMax: number
  /** How many names are kept at most; the one that was not asked for longest goes. */
  readonly namesMax: number
}

export const asksMax = 16
export const askMsMax = 5000
export const refusedMs: number = 5 * 60_000
export const refusedNamesMax = 10_000
const hourMs = 3_600_000

export class OnDemandGate {
  readonly #clock: Clock
  #settings: OnDemandSettings
  readonly #refusedUntil = new Map<string, number>()
  readonly #passedMs: number[] = []
  #asking = 0

  constructor(settings: OnDemandSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  get settings(): OnDemandSettings {
    return this.#settings
  }

  configure(settings: OnDemandSettings): void {
    this.#settings = settings
    this.#refusedUntil.clear()
  }

  /** Was it refused a moment ago, or is it no name at all? Tells so without asking anybody. */
  isOutOfQuestion(name: string): boolean {
    if (!isSubjectName(name) || isIP(name) !== 0 || name.startsWith('*.') || !name.includes('.')) return true
    return (this.#refusedUntil.get(name) ?? 0) > this.#clock.nowMs()
  }

  /** Resolves to '' when the name may have a certificate, else to the reason why not. */
  async ask(name: string): Promise<string> {
    if (this.isOutOfQuestion(name)) return 'it was refused before'
    const { allow, ask, anHourMax } = this.#settings
    const isListed = allow.some((pattern) => covers(pattern, name))
    if (!isListed) {
      if (ask === '') return this.#refuse(name, 'it is not on the list')
      if (this.#asking >= asksMax) return 'too many are being asked about'
      const no = await this.#askAt(ask, name)
      if (no !== '') return this.#refuse(name, no)
    }
    const nowMs = this.#clock.nowMs()
    while ((this.#passedMs[0] ?? nowMs) < nowMs - hourMs) this.#passedMs.shift()
    if (this.#passedMs.length >= anHourMax) return `${anHourMax} names had a new certificate in this hour`
    this.#passedMs.push(nowMs)
    return ''
  }

  #refuse(name: string, why: string): string {
    if (this.#refusedUntil.size >= refusedNamesMax) {
      const [oldest = ''] = this.#refusedUntil.keys()
      this.#refusedUntil.delete(oldest)
    }
    this.#refusedUntil.set(name, this.#clock.nowMs() + refusedMs)
    return why
  }

  async #askAt(ask: string, name: string): Promise<string> {
    this.#asking++
    try {
      const url = new URL(ask)
      url.searchParams.set('domain', name)
      const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(askMsMax) })
      await answer.body?.cancel()
      return answer.status === 200 ? '' : `${url.host} says ${answer.status}`
    } catch (error) {
      return `${new URL(ask).host} cannot be asked: ${error instanceof Error ? error.message : String(error)}`
    } finally {
      this.#asking--
    }
  }
}
