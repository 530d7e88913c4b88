/**
 * Credentials: what a server proves its identity with and resumes sessions with: automatic certificates, OCSP answers
 * for all certificates, ticket keys. They are made once and kept over reloads, while configs come and go.
 *
 * Invariant: no authority is asked for anything before `start`, since it may have to reach one of our listeners.
 */
import type { LoadedConfig } from '../config/load.ts'
import type { TlsServices } from '../config/tls.ts'
import type { Clock } from '../core/clock.ts'
import type { Peers } from '../core/peers.ts'
import type { Plan } from '../engine/plan.ts'
import { AcmeSource } from '../tls/acme/acme-source.ts'
import { AutomaticCertificates } from '../tls/acme/automatic.ts'
import { OcspStapler } from '../tls/ocsp/stapler.ts'
import { TicketKeys } from '../tls/ticket-keys.ts'

export interface CredentialsOptions {
  readonly clock: Clock
  readonly peers: Peers | null
  readonly note: (level: 'error' | 'info' | 'warn', sentence: string) => void
}

export class Credentials {
  readonly automatic: AutomaticCertificates
  readonly #options: CredentialsOptions
  readonly #source: AcmeSource
  readonly #stapler: OcspStapler
  #tickets: TicketKeys | null = null
  #isStarted = false

  constructor(options: CredentialsOptions) {
    this.#options = options
    this.#stapler = new OcspStapler(options)
    this.automatic = new AutomaticCertificates(options)
    this.#source = new AcmeSource(this.automatic, (certificate) => this.#stapler.follow(certificate))
  }

  /** The services that a config is compiled with. */
  services({ document }: LoadedConfig): TlsServices {
    const speaksTls = document?.listeners.some((listener) => listener.tls != null) === true
    return {
      sources: [this.#source],
      tickets: speaksTls ? this.#ticketKeys(document.tls.ticketRotation) : null,
      follow: (certificate) => this.#stapler.follow(certificate),
    }
  }

  /** The keys are kept over reloads: a new key would cost each client a full handshake. */
  #ticketKeys(rotationMs: number): TicketKeys {
    const { clock, peers } = this.#options
    this.#tickets ??= new TicketKeys(clock, peers, rotationMs)
    this.#tickets.configure(rotationMs)
    return this.#tickets
  }

  /** Follows the plan in force, and resolves when what is stored for it has been loaded. Never rejects. */
  async configure(plan: Plan): Promise<void> {
    if (this.#isStarted) this.#stapler.configure(plan.tls?.staples === true)
    await (plan.automatic == null ? this.automatic.rest() : this.automatic.configure(plan.automatic))
  }

  /** The listeners can be reached now, so authorities are asked from here on. */
  start(plan: Plan): void {
    this.#isStarted = true
    this.#stapler.configure(plan.tls?.staples === true)
    this.automatic.start()
  }

  async close(): Promise<void> {
    this.#stapler.close()
    this.#tickets?.close()
    await this.automatic.close()
  }
}
