/**
 * OcspStapler: keeps the proof at hand that a server's certificate is not revoked (RFC 6960), for handshakes to show
 * (RFC 6066 §8), so that a client need not ask the authority, nor reveal to it whom it visits.
 *
 * Promises: only what was verified and is in force is stapled; without that, nothing is. The certificate is served
 * meanwhile, also while its authority cannot be reached: that is logged once, and tried again. An answer is fetched
 * anew when half of its time is over.
 *
 * Invariant: it holds certificates weakly. One that nobody serves any more goes with its config, and is not asked
 * about again.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import type { CertificatePair, ServerCertificate } from '../server-certificate.ts'
import { OcspError, readAnswer, type OcspAnswer } from './answer.ts'
import { ask } from './ask.ts'
import { questionAbout, requestOf, type Question } from './question.ts'

/** After a failure; doubled with each further one, to the longest. */
export const firstRetryMs = 60_000
export const lastRetryMs = 3_600_000
/** An answer that names a far end is looked at daily all the same: a revocation is to be seen. */
export const askAgainMsMax = 86_400_000
/** However short an answer holds. */
const askAgainMsMin = 60_000

export interface StaplerOptions {
  readonly clock: Clock
  readonly note: (level: 'info' | 'warn', sentence: string) => void
  /** The exchange with a responder; left out: over HTTP. */
  readonly ask?: (url: string, request: Buffer) => Promise<Buffer>
}

/** Where a certificate stands among those of one name: the only one or of ECDSA, or of RSA beside that. */
type Place = 'ocsp' | 'rsaOcsp'

interface Holder {
  readonly certificate: WeakRef<ServerCertificate>
  readonly place: Place
}

/** One certificate, by whatever objects it is served. */
interface Entry {
  readonly question: Question
  readonly name: string
  holders: Holder[]
  answer: OcspAnswer | null
  timer: ClockTimer | null
  failures: number
}

export class OcspStapler {
  readonly #options: StaplerOptions
  readonly #entries = new Map<string, Entry>()
  #isOn = false
  #isClosed = false

  constructor(options: StaplerOptions) {
    this.#options = options
  }

  /** Whether it asks at all; by the config in force. Nothing is stapled while it does not. */
  configure(isOn: boolean): void {
    if (isOn === this.#isOn) return
    this.#isOn = isOn
    for (const entry of this.#entries.values()) {
      if (isOn) void this.#turn(entry)
      else this.#rest(entry)
    }
  }

  /** Keeps `certificate.ocsp` and `rsaOcsp` right as long as somebody holds it. */
  follow(certificate: ServerCertificate): void {
    this.#follow(certificate, certificate.best, 'ocsp')
    this.#follow(certificate, certificate.rsa, 'rsaOcsp')
  }

  #follow(certificate: ServerCertificate, pair: CertificatePair | null, place: Place): void {
    const question = pair === null ? null : questionAbout(pair.cert)
    if (question === null || this.#isClosed) return
    const known = this.#entries.get(question.fingerprint)
    const holder = { certificate: new WeakRef(certificate), place }
    if (known !== undefined) {
      certificate[place] = known.answer?.der ?? null
      known.holders = [...known.holders.filter(isHeld), holder]
      return
    }
    const name = certificate.names[0] ?? question.fingerprint
    const entry: Entry = { question, name, holders: [holder], answer: null, timer: null, failures: 0 }
    this.#entries.set(question.fingerprint, entry)
    if (this.#isOn) void this.#turn(entry)
  }

  /** Asks nobody any more. */
  close(): void {
    this.#isClosed = true
    for (const entry of this.#entries.values()) this.#rest(entry)
    this.#entries.clear()
  }

  #rest(entry: Entry): void {
    entry.timer?.cancel()
    entry.timer = null
    this.#show(entry, null)
  }

  #show(entry: Entry, answer: OcspAnswer | null): void {
    entry.answer = answer
    for (const { certificate, place } of entry.holders) {
      const served = certificate.deref()
      if (served !== undefined) served[place] = answer?.der ?? null
    }
  }

  async #turn(entry: Entry): Promise<void> {
    entry.timer = null
    entry.holders = entry.holders.filter(isHeld)
    if (entry.holders.length === 0) return void this.#entries.delete(entry.question.fingerprint)
    const { clock } = this.#options
    let waitMs
    try {
      const bytes = await (this.#options.ask ?? ask)(entry.question.url, requestOf(entry.question))
      if (!this.#isAsking(entry)) return
      const answer = readAnswer(bytes, entry.question, clock.wallMs())
      this.#show(entry, answer)
      if (entry.failures > 0) this.#tell('info', entry, 'is there again')
      entry.failures = 0
      const halfMs = (answer.fromMs + answer.untilMs) / 2 - clock.wallMs()
      waitMs = Math.min(askAgainMsMax, Math.max(askAgainMsMin, halfMs))
    } catch (error) {
      if (!this.#isAsking(entry)) return
      waitMs = this.#fail(entry, error as Error)
    }
    entry.timer = clock.after(waitMs, () => void this.#turn(entry))
  }

  #isAsking(entry: Entry): boolean {
    return this.#isOn && !this.#isClosed && entry.timer === null
  }

  /** When to ask again. The answer before is shown as long as it is in force. */
  #fail(entry: Entry, error: Error): number {
    const { answer, failures } = entry
    const wallMs = this.#options.clock.wallMs()
    if (failures === 0) this.#tell('warn', entry, `cannot be had, and is asked for again: ${error.message}`)
    entry.failures++
    const waitMs = Math.min(lastRetryMs, firstRetryMs * 2 ** failures)
    if (answer === null) return waitMs
    const isVerdict = error instanceof OcspError && error.isVerdict
    if (!isVerdict && answer.untilMs > wallMs) return Math.min(waitMs, answer.untilMs - wallMs)
    this.#show(entry, null)
    return waitMs
  }

  #tell(level: 'info' | 'warn', { name }: Entry, sentence: string): void {
    this.#options.note(level, `the OCSP answer for the certificate of ${name} ${sentence}`)
  }
}

function isHeld({ certificate }: Holder): boolean {
  return certificate.deref() !== undefined
}
