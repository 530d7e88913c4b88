/**
 * An Issuer that asks a CA by ACME. Its account is kept in the storage and made once, under a lock; an account that
 * the CA no longer knows is made anew with the same key.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { CertificateFacts } from '../certificate-facts.ts'
import { keyOfPem, makeKey, pemOfKey, type KeyKind } from '../keys.ts'
import { openAccount, type ExternalBinding } from './account.ts'
import type { Answerer } from './challenge.ts'
import { AcmeClient, textOf, type Signer } from './client.ts'
import type { Issuer, IssueWish, KeyAndChain } from './issuer.ts'
import { issue } from './order.ts'
import { AcmeError, isRecord } from './problem.ts'
import { readRenewalInfo, type RenewalInfo } from './renewal-window.ts'
import type { Storage } from './storage.ts'

export interface AcmeSettings {
  readonly directoryUrl: string
  /** '' for none. */
  readonly email: string
  readonly binding?: ExternalBinding
  /** Roots, as PEM, that are trusted for the CA's own HTTPS besides the usual ones. */
  readonly roots?: string
  readonly keyKind: KeyKind
  readonly profile: string
  readonly preferredChain: string
}

export interface AcmeIssuerOptions {
  readonly settings: AcmeSettings
  readonly storage: Storage
  readonly clock: Clock
  /** In the order in which they are tried. */
  answerers(): readonly Answerer[]
}

export class AcmeIssuer implements Issuer {
  readonly folder: string
  readonly title: string
  readonly #options: AcmeIssuerOptions
  readonly #client: AcmeClient
  #signer: Promise<Signer> | null = null

  constructor(options: AcmeIssuerOptions) {
    const { directoryUrl, roots } = options.settings
    this.#options = options
    this.#client = new AcmeClient({
      directoryUrl,
      clock: options.clock,
      ...(roots === undefined ? {} : { roots }),
    })
    this.folder = `acme/${folderOf(directoryUrl)}`
    this.title = new URL(directoryUrl).host
  }

  async issue(wish: IssueWish): Promise<KeyAndChain> {
    const { settings } = this.#options
    const key = await makeKey(settings.keyKind)
    const order = {
      names: [wish.name],
      key,
      answerers: rotated(this.#options.answerers(), wish.failures),
      replaces: wish.previous?.renewalId ?? '',
      profile: settings.profile,
      preferredChain: settings.preferredChain,
      signal: wish.signal,
    }
    const issued = await this.#signed(wish.signal, (signer) => issue(this.#client, signer, order))
    return { key: pemOfKey(key), chain: issued.chain }
  }

  renewalInfo(facts: CertificateFacts, signal: AbortSignal): Promise<RenewalInfo | null> {
    return readRenewalInfo(this.#client, facts.renewalId, signal)
  }

  /** Runs `ask` with the account; once more with a new one if the CA has forgotten it (RFC 8555 §7.3). */
  async #signed<T>(signal: AbortSignal, ask: (signer: Signer) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.#account(signal, false))
    } catch (error) {
      if (!(error instanceof AcmeError) || error.type !== 'accountDoesNotExist') throw error
      return ask(await this.#account(signal, true))
    }
  }

  #account(signal: AbortSignal, isAnew: boolean): Promise<Signer> {
    if (isAnew) this.#signer = null
    this.#signer ??= this.#openAccount(signal, isAnew).catch((error: unknown) => {
      this.#signer = null
      throw error
    })
    return this.#signer
  }

  async #openAccount(signal: AbortSignal, isAnew: boolean): Promise<Signer> {
    const { settings, storage } = this.#options
    const { email, binding } = settings
    const id = createHash('sha256')
      .update(`${email}\n${binding?.kid ?? ''}`)
      .digest('hex')
      .slice(0, 16)
    const place = `${this.folder}/accounts/${id}.json`
    const lock = await storage.lock(`${this.folder}/account-${id}`, signal)
    try {
      const kept = readAccount(await storage.read(place))
      if (kept !== null && !isAnew) return kept
      const key = kept?.key ?? (await makeKey('p256'))
      const signer = await openAccount(
        this.#client,
        { key, email, ...(binding === undefined ? {} : { binding }) },
        signal,
      )
      await storage.write(
        place,
        JSON.stringify({ url: signer.url, email, key: pemOfKey(key) }, null, 2) + '\n',
      )
      return signer
    } finally {
      await lock.release()
    }
  }

  close(): void {
    this.#client.close()
  }
}

function readAccount(text: string | null): Signer | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    if (!isRecord(value)) return null
    return { key: keyOfPem(textOf(value['key'])), url: textOf(value['url']) }
  } catch {
    return null
  }
}

/** After a failure the next kind of challenge comes first. */
function rotated(answerers: readonly Answerer[], by: number): readonly Answerer[] {
  if (answerers.length < 2) return answerers
  const start = by % answerers.length
  return [...answerers.slice(start), ...answerers.slice(0, start)]
}

/** A directory's URL as one name of a folder. */
function folderOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`.replace(/\/+$/, '').replace(/[^A-Za-z0-9.-]+/g, '-')
}
