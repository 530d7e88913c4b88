/**
 * An order (RFC 8555 §7.4), from its creation to the chain of certificates.
 *
 * Invariants: whatever was presented for a challenge is removed again, even if the order fails; polling waits as long
 * as the CA says, within bounds; the whole ends at `orderMsMax`.
 */
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isIssuedUnder, splitChain } from '../certificate-facts.ts'
import { makeRequest } from '../csr.ts'
import { isWildcard } from '../subject-names.ts'
import { challengeTypes, isToken, type Answerer, type Challenge, type ChallengeType } from './challenge.ts'
import { textOf, type AcmeAnswer, type AcmeClient, type Signer } from './client.ts'
import { thumbprint } from './jws.ts'
import { AcmeError, describeProblem, errorOf, isRecord } from './problem.ts'

/** DNS may take minutes to be seen; an order that takes longer is given up and made anew later. */
export const orderMsMax: number = 10 * 60_000
const pollMsLeast = 250
const pollMsMost = 10_000
/** The longest pause between looks, even if the CA asks for more: an order lives for days. */
const pollMsTold = 60_000

export interface OrderWish {
  /** Host names, wildcards or addresses, in lower case. */
  readonly names: readonly string[]
  /** The certificate's key. */
  readonly key: KeyObject
  /** In the order in which they are tried. */
  readonly answerers: readonly Answerer[]
  /** The renewalId of the certificate that this one replaces (RFC 9773 §5); '' for none. */
  readonly replaces?: string
  /** The profile to ask for; '' lets the CA choose. */
  readonly profile?: string
  /** Common name of the root or issuer that the chain shall end at; '' takes the first chain. */
  readonly preferredChain?: string
  readonly signal?: AbortSignal
}

export interface Issued {
  /** PEM, the server's own certificate first. */
  readonly chain: string
  /** The challenges that were answered; none where the CA knew the names already. */
  readonly answered: readonly ChallengeType[]
}

/** Obtains a certificate. Rejects with an AcmeError that says what the CA, or we, could not do. */
export async function issue(client: AcmeClient, signer: Signer, wish: OrderWish): Promise<Issued> {
  const limit = AbortSignal.timeout(orderMsMax)
  const signal = wish.signal === undefined ? limit : AbortSignal.any([limit, wish.signal])
  try {
    return await new Ordering(client, signer, wish, signal).run()
  } catch (error) {
    if (!limit.aborted) throw error
    throw new AcmeError('unreachable', `the order was not done in ${orderMsMax / 60_000} minutes`)
  }
}

class Ordering {
  readonly #client: AcmeClient
  readonly #signer: Signer
  readonly #wish: OrderWish
  readonly #signal: AbortSignal
  readonly #answered = new Set<ChallengeType>()
  readonly #withdraw: (() => Promise<void>)[] = []

  constructor(client: AcmeClient, signer: Signer, wish: OrderWish, signal: AbortSignal) {
    this.#client = client
    this.#signer = signer
    this.#wish = wish
    this.#signal = signal
  }

  async run(): Promise<Issued> {
    const order = await this.#newOrder()
    try {
      const authorizations = Array.isArray(order.json['authorizations']) ? order.json['authorizations'] : []
      // All at once: a CA checks the names of an order in parallel.
      await Promise.all(authorizations.map((url) => this.#authorize(textOf(url))))
      const done = await this.#finalize(order)
      return { chain: await this.#download(textOf(done.json['certificate'])), answered: [...this.#answered] }
    } finally {
      await Promise.allSettled(this.#withdraw.map((withdraw) => withdraw()))
    }
  }

  #post(url: string, payload: object | '', doing: string): Promise<AcmeAnswer> {
    return this.#client.post(this.#signer, url, payload, doing, this.#signal)
  }

  async #newOrder(): Promise<AcmeAnswer> {
    const { names, replaces = '', profile = '' } = this.#wish
    const directory = await this.#client.directory(this.#signal)
    if (profile !== '' && !directory.profiles.includes(profile))
      throw new AcmeError(
        'refused',
        `the CA has no profile "${profile}"; it has: ${directory.profiles.join(', ') || 'none'}`,
      )
    const identifiers = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))
    const payload = { identifiers, ...(profile === '' ? {} : { profile }) }
    const doing = `an order for ${names.join(', ')}`
    const isReplacing = replaces !== '' && directory.renewalInfo !== ''
    if (!isReplacing) return this.#post(directory.newOrder, payload, doing)
    try {
      return await this.#post(directory.newOrder, { ...payload, replaces }, doing)
    } catch (error) {
      // Replaced by another order, or unknown to this CA: the certificate is wanted all the same (RFC 9773 §5).
      const isAboutReplacing =
        error instanceof AcmeError &&
        (error.type === 'alreadyReplaced' || error.status === 409 || error.type === 'malformed')
      if (!isAboutReplacing) throw error
      return this.#post(directory.newOrder, payload, doing)
    }
  }

  async #authorize(url: string): Promise<void> {
    const authorization = await this.#post(url, '', 'an authorization')
    if (authorization.json['status'] === 'valid') return
    const identifier = isRecord(authorization.json['identifier']) ? authorization.json['identifier'] : {}
    const name = textOf(identifier['value'])
    const { challenge, answerer, challengeUrl } = this.#choose(name, authorization)
    this.#withdraw.push(await answerer.present(challenge, this.#signal))
    this.#answered.add(challenge.type)
    await this.#post(challengeUrl, {}, `the ${challenge.type} challenge for ${name}`)
    const seen = await this.#poll(url, 'an authorization', (json) => json['status'] !== 'pending')
    if (seen.json['status'] === 'valid') return
    throw failureOf(name, challenge.type, seen)
  }

  #choose(
    name: string,
    { json }: AcmeAnswer,
  ): { readonly challenge: Challenge; readonly answerer: Answerer; readonly challengeUrl: string } {
    const offered = (Array.isArray(json['challenges']) ? json['challenges'] : []).filter(isRecord)
    for (const answerer of this.#wish.answerers) {
      // Only the DNS can show that every name below is ours (RFC 8555 §7.1.3).
      if (json['wildcard'] === true && answerer.type !== 'dns-01') continue
      const found = offered.find(({ type }) => type === answerer.type)
      const token = textOf(found?.['token'])
      if (found === undefined || !isToken(token)) continue
      const keyAuthorization = `${token}.${thumbprint(this.#signer.key)}`
      const challenge = { type: answerer.type, name, token, keyAuthorization }
      return { challenge, answerer, challengeUrl: textOf(found['url']) }
    }
    const types = offered.map(({ type }) => textOf(type)).filter((type) => type !== '')
    const ours = this.#wish.answerers.map(({ type }) => type)
    throw new AcmeError('refused', unanswerable(name, types, ours))
  }

  async #finalize(order: AcmeAnswer): Promise<AcmeAnswer> {
    const doing = `an order for ${this.#wish.names.join(', ')}`
    const ready = await this.#poll(order.location, doing, ({ status }) => status !== 'pending')
    let state = ready
    if (ready.json['status'] === 'ready') {
      const csr = makeRequest(this.#wish.names, this.#wish.key).toString('base64url')
      state = await this.#post(textOf(ready.json['finalize']), { csr }, doing)
    }
    if (state.json['status'] !== 'valid') {
      // The finalize was answered late: the order tells its state.
      state = await this.#poll(
        order.location,
        doing,
        ({ status }) => status !== 'processing' && status !== 'ready',
      )
    }
    if (state.json['status'] === 'valid') return state
    throw errorOf(doing, state.status, state.json['error'], state.retryAfterMs)
  }

  async #poll(
    url: string,
    doing: string,
    isOver: (json: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<AcmeAnswer> {
    for (let waitMs = pollMsLeast; ; waitMs = Math.min(waitMs * 1.6, pollMsMost)) {
      const answer = await this.#post(url, '', doing)
      if (isOver(answer.json)) return answer
      const toldMs = Math.min(answer.retryAfterMs, pollMsTold)
      await sleep(Math.max(waitMs, toldMs), undefined, { signal: this.#signal })
    }
  }

  async #download(url: string): Promise<string> {
    const first = await this.#post(url, '', 'the certificate')
    const chain = chainOf(first.text)
    const wanted = this.#wish.preferredChain ?? ''
    if (wanted === '' || isIssuedUnder(chain, wanted)) return chain
    for (const alternate of first.alternates) {
      const other = chainOf((await this.#post(alternate, '', 'the certificate')).text)
      if (isIssuedUnder(other, wanted)) return other
    }
    return chain
  }
}

function unanswerable(name: string, offered: readonly string[], ours: readonly string[]): string {
  const remedy =
    offered.includes('dns-01') && !ours.includes('dns-01') ? '; tls.acme.dns would allow dns-01' : ''
  const what = isWildcard(name) ? 'a wildcard' : name
  return (
    `for ${what} the CA offers ${offered.join(', ') || 'no challenge'}, ` +
    `and this server can answer ${ours.join(', ') || challengeTypes.join(' or ') + ' nowhere'}${remedy}`
  )
}

function failureOf(name: string, type: ChallengeType, { json }: AcmeAnswer): AcmeError {
  const challenges = Array.isArray(json['challenges']) ? json['challenges'].filter(isRecord) : []
  const error = challenges.find((challenge) => challenge['error'] !== undefined)?.['error']
  const problem = describeProblem(error)
  return new AcmeError('failed', `the CA could not confirm ${name} by ${type}: ${problem.sentence}`, {
    type: problem.type,
  })
}

function chainOf(text: string): string {
  const blocks = splitChain(text)
  if (blocks.length === 0) throw new AcmeError('unreachable', 'the CA sent no certificate')
  return blocks.join('\n') + '\n'
}
