/**
 * What the storage holds for one name: the key with its chain, and beside them when they are renewed and what failed
 * lately. Key and chain are one file, so neither is ever there without the other; the rest may be lost, and is then
 * made anew.
 */
import { keyOfPem } from '../keys.ts'
import { readFacts, splitChain, type CertificateFacts } from '../certificate-facts.ts'
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { KeyAndChain } from './issuer.ts'
import { isRecord } from './problem.ts'
import { renewAtMs, type RenewalWindow } from './schedule.ts'
import type { Storage } from './storage.ts'

export interface KeptCertificate extends KeyAndChain {
  readonly facts: CertificateFacts
}

/** Wall times in milliseconds; 0 for never or now. */
export interface RenewalState {
  readonly renewAtMs: number
  /** What the CA said last (RFC 9773); the moment in it is chosen once, so a restart does not draw again. */
  readonly window: RenewalWindow | null
  readonly windowAgainMs: number
  /** Tries that failed since one succeeded. */
  readonly failures: number
  /** When the CA could not confirm the name, the latest last; as many as the limit is. */
  readonly failedAtMs: readonly number[]
  readonly retryAtMs: number
  readonly lastError: string
}

export const freshState: RenewalState = {
  renewAtMs: 0,
  window: null,
  windowAgainMs: 0,
  failures: 0,
  failedAtMs: [],
  retryAtMs: 0,
  lastError: '',
}

/** Reads key and chain; throws when they are not, do not belong together, or could not be shown to a client. */
export function kept({ key, chain }: KeyAndChain): KeptCertificate {
  const leaf = splitChain(chain)[0] ?? ''
  if (!new X509Certificate(leaf).checkPrivateKey(keyOfPem(key)))
    throw new Error('key and certificate do not fit')
  // What OpenSSL does not take would be noticed by the first handshake, which could not be answered.
  createSecureContext({ key, cert: chain, ca: [] })
  return { key, chain, facts: readFacts(leaf) }
}

/** State of a certificate that has just come: by its lifetime, until the CA is asked. */
export function stateOf({ facts }: KeptCertificate, random: number): RenewalState {
  return { ...freshState, renewAtMs: renewAtMs(facts, random) }
}

export interface StoredRecord {
  readonly certificate: KeptCertificate | null
  readonly state: RenewalState
}

export class CertificateRecords {
  readonly #storage: Storage
  readonly #random: () => number

  constructor(storage: Storage, random: () => number) {
    this.#storage = storage
    this.#random = random
  }

  /** Rejects only when the storage cannot be read; what it holds and is no certificate counts as none. */
  async read(folder: string, name: string): Promise<StoredRecord> {
    const place = placeOf(folder, name)
    const certificate = readPem(await this.#storage.read(place + '.pem'))
    const state = readState(await this.#storage.read(place + '.json'))
    if (certificate === null) return { certificate, state: state ?? freshState }
    const isOfThis = state !== null && state.renewAtMs > certificate.facts.notBeforeMs
    return { certificate, state: isOfThis ? state : stateOf(certificate, this.#random()) }
  }

  async writeCertificate(folder: string, name: string, { key, chain }: KeyAndChain): Promise<void> {
    await this.#storage.write(placeOf(folder, name) + '.pem', key.trimEnd() + '\n' + chain)
  }

  async writeState(folder: string, name: string, state: RenewalState): Promise<void> {
    await this.#storage.write(placeOf(folder, name) + '.json', JSON.stringify(state, null, 2) + '\n')
  }
}

function placeOf(folder: string, name: string): string {
  return `${folder}/certificates/${name.replace(/^\*/, 'wildcard')}`
}

function readPem(text: string | null): KeptCertificate | null {
  if (text === null) return null
  const key =
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----\n?/.exec(text)?.[0] ?? ''
  try {
    return kept({ key, chain: splitChain(text).join('\n') + '\n' })
  } catch {
    return null
  }
}

function readState(text: string | null): RenewalState | null {
  try {
    const value: unknown = JSON.parse(text ?? '')
    if (!isRecord(value)) return null
    return {
      renewAtMs: numberOf(value['renewAtMs']),
      window: readWindow(value['window']),
      windowAgainMs: numberOf(value['windowAgainMs']),
      failures: numberOf(value['failures']),
      failedAtMs: Array.isArray(value['failedAtMs']) ? value['failedAtMs'].map(numberOf) : [],
      retryAtMs: numberOf(value['retryAtMs']),
      lastError: typeof value['lastError'] === 'string' ? value['lastError'] : '',
    }
  } catch {
    return null
  }
}

function readWindow(value: unknown): RenewalWindow | null {
  if (!isRecord(value)) return null
  return { startMs: numberOf(value['startMs']), endMs: numberOf(value['endMs']) }
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
