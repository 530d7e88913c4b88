/**
 * Certificates between workers: one worker obtains them, all serve with them. The one with the lowest number orders:
 * it has been here longest, and when it goes the next lowest takes over without further ado.
 */
import type { Peers } from '../../core/peers.ts'
import type { KeyAndChain } from './issuer.ts'
import { isRecord } from './problem.ts'

const topic = 'certificates'

export type CertificateMessage =
  | ({ readonly kind: 'certificate'; readonly name: string; readonly folder: string } & KeyAndChain)
  /** A worker has a handshake for a name that is on no list. */
  | { readonly kind: 'wanted'; readonly name: string }
  | { readonly kind: 'refused'; readonly name: string }

export class CertificatePeers {
  readonly #peers: Peers | null

  constructor(peers: Peers | null, hear: (message: CertificateMessage) => void) {
    this.#peers = peers
    peers?.onMessage(topic, ({ bytes }) => {
      const value: unknown = JSON.parse(Buffer.from(bytes).toString())
      if (isRecord(value)) hear(value as unknown as CertificateMessage)
    })
  }

  /** Is this the worker that orders? */
  get isLeader(): boolean {
    const peers = this.#peers
    return peers === null || peers.others().every((other) => other > peers.self)
  }

  tell(message: CertificateMessage): void {
    this.#peers?.send(topic, Buffer.from(JSON.stringify(message)))
  }
}
