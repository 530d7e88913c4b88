/**
 * AcmeClient: a CA's directory, nonces and signed requests (RFC 8555 §6, §7.1, §7.2).
 *
 * Promises: a nonce is used once; a request that was refused for its nonce is sent again with a new one, at most
 * `nonceTriesMax` times, and for nothing else; every rejection is an AcmeError.
 */
import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import { CaConnection, retryAfterMs, type CaAnswer, type CaConnectionOptions } from './ca-connection.ts'
import { signJws } from './jws.ts'
import { AcmeError, errorOf, isRecord, plain } from './problem.ts'

/** A CA that refuses every second nonce lets a request through after 30 with all but one chance in a milliard. */
export const nonceTriesMax = 30
/** Refused so often in a row, a pause comes between: something is wrong, and the CA must not be hammered. */
const nonceTriesAtOnce = 8
const nonceWaitMs = 250
/** Nonces are kept for the next requests; the CA forgets old ones. */
const noncesKeptMax = 16
/** The URLs of a CA may change while a process lives; between two orders for a name there are weeks. */
const directoryMsMax = 86_400_000

export interface AcmeClientOptions extends CaConnectionOptions {
  readonly directoryUrl: string
  readonly clock: Clock
}

export interface Directory {
  readonly newNonce: string
  readonly newAccount: string
  readonly newOrder: string
  /** '' where the CA has no renewal information (RFC 9773). */
  readonly renewalInfo: string
  readonly termsOfService: string
  readonly isAccountBound: boolean
  /** Names of the profiles that can be asked for. */
  readonly profiles: readonly string[]
}

export interface AcmeAnswer {
  readonly status: number
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
  /** '' when there is none. */
  readonly location: string
  readonly retryAfterMs: number
  /** Targets of Link fields with rel="alternate". */
  readonly alternates: readonly string[]
}

/** Who signs: a key, and the account's URL once it is known. */
export interface Signer {
  readonly key: KeyObject
  readonly url?: string
}

export class AcmeClient {
  readonly directoryUrl: string
  readonly clock: Clock
  readonly #connection: CaConnection
  readonly #nonces: string[] = []
  #directory: Directory | null = null
  #directoryReadMs = 0
  /** Requests that a CA refused for their nonce, for the tests of chaos and the status. */
  noncesRefused = 0

  constructor(options: AcmeClientOptions) {
    this.directoryUrl = options.directoryUrl
    this.clock = options.clock
    this.#connection = new CaConnection(options)
  }

  async directory(signal?: AbortSignal): Promise<Directory> {
    const nowMs = this.clock.nowMs()
    if (this.#directory !== null && nowMs - this.#directoryReadMs < directoryMsMax) return this.#directory
    this.#directory = await this.#readDirectory(signal)
    this.#directoryReadMs = nowMs
    return this.#directory
  }

  async #readDirectory(signal?: AbortSignal): Promise<Directory> {
    const answer = await this.get(this.directoryUrl, 'its directory', signal)
    const { json } = answer
    const meta = isRecord(json['meta']) ? json['meta'] : {}
    const directory = {
      newNonce: textOf(json['newNonce']),
      newAccount: textOf(json['newAccount']),
      newOrder: textOf(json['newOrder']),
      renewalInfo: textOf(json['renewalInfo']),
      termsOfService: textOf(meta['termsOfService']),
      isAccountBound: meta['externalAccountRequired'] === true,
      profiles: isRecord(meta['profiles']) ? Object.keys(meta['profiles']) : [],
    }
    if (directory.newNonce === '' || directory.newAccount === '' || directory.newOrder === '')
      throw new AcmeError('refused', `${this.directoryUrl} is not an ACME directory (RFC 8555 §7.1.1)`)
    return directory
  }

  /** A plain GET, for what needs no signature: the directory and renewal information. */
  async get(url: string, doing: string, signal?: AbortSignal): Promise<AcmeAnswer> {
    const answer = this.#read(await this.#connection.send('GET', url, '', signal))
    if (answer.status !== 200) throw refusalOf(doing, answer)
    return answer
  }

  /** A signed POST; with payload '' a POST-as-GET. `doing` names it in the error: 'a new order'. */
  async post(
    signer: Signer,
    url: string,
    payload: object | '',
    doing: string,
    signal?: AbortSignal,
  ): Promise<AcmeAnswer> {
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonces.pop() ?? (await this.#newNonce(signal))
      const kid = signer.url
      const jws = signJws(signer.key, { url, nonce, ...(kid === undefined ? {} : { kid }) }, payload)
      const raw = await this.#connection.send('POST', url, JSON.stringify(jws), signal)
      const answer = this.#read(raw)
      if (answer.status < 300) return answer
      const error = refusalOf(doing, answer)
      if (error.type !== 'badNonce' || tries >= nonceTriesMax) throw error
      this.noncesRefused++
      // The others are likely as old as this one was; the answer has brought a new one (RFC 8555 §6.5).
      this.#nonces.length = 0
      this.#keepNonce(raw)
      if (tries >= nonceTriesAtOnce)
        await sleep(nonceWaitMs, undefined, signal === undefined ? {} : { signal })
    }
  }

  async #newNonce(signal?: AbortSignal): Promise<string> {
    const { newNonce } = await this.directory(signal)
    const answer = await this.#connection.send('HEAD', newNonce, '', signal)
    const nonce = answer.headers['replay-nonce']
    if (typeof nonce === 'string' && nonce !== '') return nonce
    throw errorOf(
      'a nonce',
      answer.status,
      {},
      retryAfterMs(answer.headers['retry-after'], this.clock.wallMs()),
    )
  }

  #read(answer: CaAnswer): AcmeAnswer {
    if (answer.status < 400) this.#keepNonce(answer)
    return {
      status: answer.status,
      text: answer.text,
      json: jsonOf(answer),
      location: answer.headers.location ?? '',
      retryAfterMs: retryAfterMs(answer.headers['retry-after'], this.clock.wallMs()),
      alternates: alternatesOf(answer.headers.link),
    }
  }

  #keepNonce({ headers }: CaAnswer): void {
    const nonce = headers['replay-nonce']
    if (typeof nonce !== 'string' || nonce === '' || this.#nonces.length >= noncesKeptMax) return
    this.#nonces.push(nonce)
  }

  close(): void {
    this.#connection.close()
  }
}

/** A redirect is not followed: what is signed names its URL, and a CA has no reason to send us elsewhere. */
function refusalOf(doing: string, { status, json, location, retryAfterMs: waitMs }: AcmeAnswer): AcmeError {
  if (status >= 400 || location === '') return errorOf(doing, status, json, waitMs)
  const message = `the CA sends ${doing} to ${plain(location)} (${status}), where it is not followed: tls.acme.directory must name the CA's own URL`
  return new AcmeError('refused', message, { status })
}

function jsonOf({ headers, text }: CaAnswer): Readonly<Record<string, unknown>> {
  if (!/\bjson\b/.test(headers['content-type'] ?? '')) return {}
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

/** Link: <url>;rel="alternate" (RFC 8555 §7.4.2, RFC 8288 §3). Node joins several fields by a comma. */
function alternatesOf(link: string | string[] | undefined): string[] {
  const text = Array.isArray(link) ? link.join(', ') : (link ?? '')
  return Array.from(text.matchAll(/<([^>]+)>\s*;\s*rel="?alternate"?/g), (match) => match[1] as string)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
