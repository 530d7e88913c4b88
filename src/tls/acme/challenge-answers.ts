/**
 * Answers to pending challenges, in every worker: the CA's request or handshake may reach any of them.
 *
 * One worker orders. It sends what it presents to the others (core/peers.ts), and tells the CA only when all have
 * acknowledged it, or after `acknowledgeMs`: the CA looks at once. A worker that joins later gets a snapshot.
 *
 * Bounds: `answersMax` at a time; each is dropped after `answerMs`, even if its owner forgets it.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import type { Peers } from '../../core/peers.ts'
import { makeKey, pemOfKey } from '../keys.ts'
import { askedName } from '../subject-names.ts'
import { makeCertificate, pemOfCertificate } from '../x509.ts'
import { keyAuthorizationHash, type Answerer, type Challenge } from './challenge.ts'
import type { KeyAndChain } from './issuer.ts'
import { isRecord } from './problem.ts'

export const answersMax = 1000
/** Twice as long as an order may take. */
export const answerMs: number = 20 * 60_000
const acknowledgeMs = 1000
const topic = 'acme-challenges'

interface Answer {
  readonly type: 'http-01' | 'tls-alpn-01'
  readonly name: string
  readonly token: string
  /** The key authorization, for http-01. */
  readonly text: string
  /** For tls-alpn-01. */
  readonly certificate: KeyAndChain | null
  readonly untilMs: number
}

type Message =
  | { readonly kind: 'present'; readonly ticket: number; readonly answer: Answer }
  | { readonly kind: 'withdraw'; readonly token: string }
  | { readonly kind: 'seen'; readonly to: number; readonly ticket: number }
  | { readonly kind: 'all'; readonly answers: readonly Answer[] }

interface Pending {
  readonly waiting: Set<number>
  readonly settle: () => void
  readonly timer: ClockTimer
}

export class ChallengeAnswers {
  readonly #clock: Clock
  readonly #peers: Peers | null
  readonly #byToken = new Map<string, Answer>()
  /** By the name that the CA's handshake asks for. */
  readonly #byName = new Map<string, Answer>()
  readonly #pending = new Map<number, Pending>()
  #lastTicket = 0

  constructor(clock: Clock, peers: Peers | null) {
    this.#clock = clock
    this.#peers = peers
    if (peers === null) return
    peers.onSnapshot(topic, () => write({ kind: 'all', answers: this.#all() }))
    peers.onMessage(topic, ({ from, bytes }) => this.#hear(from, read(bytes)))
  }

  /** How many are under way. */
  get size(): number {
    return this.#byToken.size
  }

  /** What is answered to GET /.well-known/acme-challenge/TOKEN (RFC 8555 §8.3); null: it is none of ours. */
  httpAnswer(token: string): string | null {
    const answer = this.#byToken.get(token)
    return answer === undefined || answer.type !== 'http-01' || !this.#isLive(answer) ? null : answer.text
  }

  /** The certificate for a handshake that asks for 'acme-tls/1' under this name (RFC 8737 §3, RFC 8738 §6); null for none. */
  alpnCertificate(name: string): KeyAndChain | null {
    const answer = this.#byName.get(name)
    return answer === undefined || !this.#isLive(answer) ? null : answer.certificate
  }

  /** Answers http-01 through `httpAnswer`. */
  readonly http: Answerer = {
    type: 'http-01',
    present: async (challenge) => this.#present(this.#answerOf('http-01', challenge, null)),
  }

  /** Answers tls-alpn-01 through `alpnCertificate`. */
  readonly alpn: Answerer = {
    type: 'tls-alpn-01',
    present: async (challenge) =>
      this.#present(
        this.#answerOf('tls-alpn-01', challenge, await alpnCertificateOf(challenge, this.#clock.wallMs())),
      ),
  }

  #answerOf(type: Answer['type'], challenge: Challenge, certificate: KeyAndChain | null): Answer {
    const { name, token, keyAuthorization } = challenge
    return {
      type,
      name,
      token,
      text: keyAuthorization,
      certificate,
      untilMs: this.#clock.wallMs() + answerMs,
    }
  }

  async #present(answer: Answer): Promise<() => Promise<void>> {
    this.#put(answer)
    await this.#tellOthers(answer)
    return async () => {
      this.#drop(answer.token)
      this.#peers?.send(topic, write({ kind: 'withdraw', token: answer.token }))
    }
  }

  async #tellOthers(answer: Answer): Promise<void> {
    const waiting = new Set(this.#peers?.others())
    if (this.#peers === null || waiting.size === 0) return
    const ticket = ++this.#lastTicket
    const { promise, resolve } = Promise.withResolvers<void>()
    const settle = (): void => {
      this.#pending.get(ticket)?.timer.cancel()
      this.#pending.delete(ticket)
      resolve()
    }
    this.#pending.set(ticket, { waiting, settle, timer: this.#clock.after(acknowledgeMs, settle) })
    this.#peers.send(topic, write({ kind: 'present', ticket, answer }))
    await promise
  }

  #hear(from: number, message: Message | null): void {
    switch (message?.kind) {
      case 'present':
        this.#put(message.answer)
        this.#peers?.send(topic, write({ kind: 'seen', to: from, ticket: message.ticket }))
        return
      case 'withdraw':
        return this.#drop(message.token)
      case 'all':
        for (const answer of message.answers) this.#put(answer)
        return
      case 'seen': {
        const pending = message.to === this.#peers?.self ? this.#pending.get(message.ticket) : undefined
        pending?.waiting.delete(from)
        if (pending?.waiting.size === 0) pending.settle()
      }
    }
  }

  #put(answer: Answer): void {
    for (const old of this.#byToken.values())
      if (!this.#isLive(old) || this.#byToken.size >= answersMax) this.#drop(old.token)
    this.#byToken.set(answer.token, answer)
    if (answer.type === 'tls-alpn-01') this.#byName.set(askedName(answer.name), answer)
  }

  #drop(token: string): void {
    const answer = this.#byToken.get(token)
    if (answer === undefined) return
    this.#byToken.delete(token)
    const asked = askedName(answer.name)
    if (this.#byName.get(asked) === answer) this.#byName.delete(asked)
  }

  #isLive(answer: Answer): boolean {
    return answer.untilMs > this.#clock.wallMs()
  }

  #all(): Answer[] {
    return [...this.#byToken.values()]
  }

  close(): void {
    for (const { settle } of this.#pending.values()) settle()
  }
}

/** Self-signed, with the hash of the key authorization in its acmeIdentifier (RFC 8737 §3). */
async function alpnCertificateOf({ name, keyAuthorization }: Challenge, nowMs: number): Promise<KeyAndChain> {
  const key = await makeKey('p256')
  const certificate = makeCertificate({
    // An issuer must have a name (RFC 5280 §4.1.2.4), and this one is its own.
    commonName: 'ACME challenge',
    names: [name],
    key,
    notBeforeMs: nowMs - 3_600_000,
    notAfterMs: nowMs + 86_400_000,
    acmeIdentifier: keyAuthorizationHash(keyAuthorization),
  })
  return { key: pemOfKey(key), chain: pemOfCertificate(certificate) }
}

function write(message: Message): Uint8Array {
  return Buffer.from(JSON.stringify(message))
}

/** What a peer of the same program wrote. */
function read(bytes: Uint8Array): Message | null {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString())
  return isRecord(value) ? (value as unknown as Message) : null
}
