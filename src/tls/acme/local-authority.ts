/**
 * The local authority: signs certificates for names that no public CA can confirm, such as localhost, for browsers
 * that were told to trust its root (`headgate trust`).
 *
 * Its root can vouch for such names only: name constraints (RFC 5280 §4.2.1.10) make it worthless for any other,
 * should its key be stolen. Certificates live for a day, since they cost nothing.
 */
import { X509Certificate, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Clock } from '../../core/clock.ts'
import { commonNameOf, splitChain } from '../certificate-facts.ts'
import { keyOfPem, makeKey, pemOfKey, publicOf } from '../keys.ts'
import { addressBytes } from '../subject-names.ts'
import { makeCertificate, pemOfCertificate, type NameConstraints } from '../x509.ts'
import type { Issuer, IssueWish, KeyAndChain } from './issuer.ts'
import type { Storage } from './storage.ts'

const hourMs = 3_600_000
const dayMs: number = 24 * hourMs

export const leafMs: number = dayMs
const rootMs: number = 3650 * dayMs
/** Clocks of clients on the same network differ by minutes. */
const earlierMs = hourMs

/** Names that are not of the public DNS: RFC 6761, RFC 9476's sibling .internal, RFC 8375, RFC 6762, and usage. */
const localDomains = ['localhost', 'internal', 'test', 'local', 'home.arpa', 'lan', 'localdomain'] as const

const localNetworks: readonly (readonly [string, string])[] = [
  ['127.0.0.0', '255.0.0.0'],
  ['10.0.0.0', '255.0.0.0'],
  ['172.16.0.0', '255.240.0.0'],
  ['192.168.0.0', '255.255.0.0'],
  ['169.254.0.0', '255.255.0.0'],
  ['::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fc00::', 'fe00::'],
  ['fe80::', 'ffc0::'],
]

const constraints: NameConstraints = {
  names: localDomains,
  networks: localNetworks.map(([address, mask]) =>
    Buffer.concat([addressBytes(address), addressBytes(mask)]),
  ),
}

/** Can the local authority sign for it, as no public CA can? */
export function isLocalName(name: string): boolean {
  if (isIP(name) !== 0) return isLocalAddress(addressBytes(name))
  const host = name.startsWith('*.') ? name.slice(2) : name
  return localDomains.some((domain) => host === domain || host.endsWith('.' + domain))
}

function isLocalAddress(bytes: Buffer): boolean {
  return constraints.networks.some((network) => {
    if (network.length !== bytes.length * 2) return false
    return bytes.every((octet, i) => (octet & (network[bytes.length + i] as number)) === network[i])
  })
}

interface Authority {
  readonly commonName: string
  readonly key: KeyObject
  readonly certificate: string
}

/** The place of the root's certificate, as a key of the storage. */
export const rootCertificateKey = 'local/root.crt'
const rootKey = 'local/root.pem'

export class LocalAuthority implements Issuer {
  readonly folder = 'local'
  readonly title = 'the local authority'
  readonly #storage: Storage
  readonly #clock: Clock
  /** Those that are served: a client that asks for one does not say which, so one certificate is for all of them. */
  addresses: readonly string[] = []
  #authority: Promise<Authority> | null = null

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage
    this.#clock = clock
  }

  /** The root as PEM; it is made when there is none. */
  async root(signal: AbortSignal): Promise<string> {
    return (await this.#open(signal)).certificate
  }

  async issue({ name, signal }: IssueWish): Promise<KeyAndChain> {
    const { commonName, key: signerKey, certificate } = await this.#open(signal)
    const key = await makeKey('p256')
    const nowMs = this.#clock.wallMs()
    const leaf = makeCertificate({
      commonName: '',
      names: this.#namesWith(name),
      key: publicOf(key),
      notBeforeMs: nowMs - earlierMs,
      notAfterMs: nowMs + leafMs,
      issuer: { commonName, key: signerKey },
    })
    return { key: pemOfKey(key), chain: pemOfCertificate(leaf) + certificate }
  }

  #namesWith(name: string): readonly string[] {
    if (name !== 'localhost' && isIP(name) === 0) return [name]
    return [...new Set([name, 'localhost', '127.0.0.1', '::1', ...this.addresses])]
  }

  async renewalInfo(): Promise<null> {
    return null
  }

  #open(signal: AbortSignal): Promise<Authority> {
    this.#authority ??= this.#read(signal).catch((error: unknown) => {
      this.#authority = null
      throw error
    })
    return this.#authority
  }

  async #read(signal: AbortSignal): Promise<Authority> {
    const lock = await this.#storage.lock('local/root', signal)
    try {
      const kept = readAuthority(await this.#storage.read(rootKey), this.#clock.wallMs())
      if (kept !== null) return kept
      const made = await this.#make()
      await this.#storage.write(rootKey, pemOfKey(made.key) + made.certificate)
      await this.#storage.write(rootCertificateKey, made.certificate)
      return made
    } finally {
      await lock.release()
    }
  }

  async #make(): Promise<Authority> {
    const nowMs = this.#clock.wallMs()
    const day = new Date(nowMs).toISOString().slice(0, 10)
    const commonName = `Headgate local authority of ${hostname().slice(0, 24)}, ${day}`
    const key = await makeKey('p256')
    const certificate = makeCertificate({
      commonName,
      names: [],
      key,
      notBeforeMs: nowMs - dayMs,
      notAfterMs: nowMs + rootMs,
      authority: constraints,
    })
    return { commonName, key, certificate: pemOfCertificate(certificate) }
  }

  close(): void {}
}

/** null: there is none, it cannot be read, or it ends within a year: a new one is made in time. */
function readAuthority(text: string | null, nowMs: number): Authority | null {
  if (text === null) return null
  try {
    const key = keyOfPem(text)
    const certificate = splitChain(text)[0] ?? ''
    const facts = new X509Certificate(certificate)
    const commonName = commonNameOf(facts.subject) ?? ''
    if (Date.parse(facts.validTo) - nowMs < 365 * dayMs || !facts.checkPrivateKey(key)) return null
    return { commonName, key, certificate: certificate + '\n' }
  } catch {
    return null
  }
}
