/**
 * AcmeSource: automatic certificates as a CertificateSource for the listeners.
 *
 * A context is made once for each certificate, and goes with it.
 */
import type { SecureContext } from 'node:tls'
import { ServerCertificate } from '../server-certificate.ts'
import type { CertificateSource } from '../certificates.ts'
import type { AutomaticCertificates } from './automatic.ts'
import type { KeyAndChain } from './issuer.ts'

export class AcmeSource implements CertificateSource {
  readonly #automatic: AutomaticCertificates
  readonly #onMade: (certificate: ServerCertificate) => void
  readonly #made = new WeakMap<KeyAndChain, ServerCertificate>()

  /** `onMade` is called for each certificate that is served. */
  constructor(automatic: AutomaticCertificates, onMade: (certificate: ServerCertificate) => void = () => {}) {
    this.#automatic = automatic
    this.#onMade = onMade
  }

  find(serverName: string): ServerCertificate | null {
    const found = this.#automatic.find(serverName)
    return found === null ? null : this.#serverCertificate(found)
  }

  resolve(serverName: string): Promise<ServerCertificate | null> | null {
    const found = this.#automatic.identify(serverName)
    if (!(found instanceof Promise)) return null
    return found.then((certificate) => (certificate === null ? null : this.#serverCertificate(certificate)))
  }

  unnamed(): ServerCertificate | null {
    const name = this.#automatic.unnamed
    return name === '' ? null : this.find(name)
  }

  challenge(serverName: string): SecureContext | null {
    const found = this.#automatic.challenge(serverName)
    return found === null ? null : this.#serverCertificate(found).context('', 'best')
  }

  #serverCertificate(pair: KeyAndChain): ServerCertificate {
    let made = this.#made.get(pair)
    if (made === undefined) {
      made = new ServerCertificate([{ cert: pair.chain, key: pair.key }])
      this.#made.set(pair, made)
      this.#onMade(made)
    }
    return made
  }
}
