/**
 * What the tests of AutomaticCertificates stand on: a clock that passes by hand from now on, workers, settings.
 */
import type { TestContext } from 'node:test'
import { PeerHub } from '../../../../src/core/peer-hub.ts'
import { PeerMember } from '../../../../src/core/peer-member.ts'
import type { Peers } from '../../../../src/core/peers.ts'
import { AutomaticCertificates, type AutomaticSettings } from '../../../../src/tls/acme/automatic.ts'
import { ManualClock } from '../../../story/manual-clock.ts'
import { FakeCa } from './fake-ca.ts'
import { temporaryFolder } from './folder.ts'

export const dayMs = 86_400_000

/** Begins at the real time, as certificates do, and then passes by hand. */
export class CertificateClock extends ManualClock {
  readonly #startMs = Date.now()

  override wallMs(): number {
    return this.#startMs + this.nowMs()
  }
}

/** A CA that lives by the same clock, else what it signs would be due again at once. */
export async function world(t: TestContext): Promise<[FakeCa, string, CertificateClock]> {
  const [ca, clock] = [await FakeCa.start(t), new CertificateClock()]
  ca.wallMs = () => clock.wallMs()
  return [ca, temporaryFolder(t), clock]
}

export interface Made {
  readonly certificates: AutomaticCertificates
  readonly said: string[]
}

export function make(t: TestContext, clock: ManualClock, peers: Peers | null = null): Made {
  const said: string[] = []
  const note = (level: string, message: string): void => void said.push(`${level}: ${message}`)
  const certificates = new AutomaticCertificates({ clock, peers, note, random: () => 0 })
  t.after(() => certificates.close())
  return { certificates, said }
}

export function settings(
  ca: FakeCa | null,
  storageFolder: string,
  more: Partial<AutomaticSettings> = {},
): AutomaticSettings {
  return {
    storageFolder,
    publicNames: ['www.example.com'],
    localNames: [],
    localPatterns: [],
    acme:
      ca === null
        ? null
        : { directoryUrl: ca.directoryUrl, email: '', keyKind: 'p256', profile: '', preferredChain: '' },
    challenges: ['http-01', 'tls-alpn-01'],
    dns: null,
    onDemand: null,
    ...more,
  }
}

export async function begin(made: Made, wanted: AutomaticSettings): Promise<void> {
  await made.certificates.configure(wanted)
  made.certificates.start()
}

export const serialOf = async (made: Made, name = 'www.example.com'): Promise<string> =>
  (await made.certificates.identify(name))?.facts.serial ?? ''

/** Two workers of one program. */
export async function pairOfPeers(): Promise<{ peers: PeerMember[]; leave: (i: number) => void }> {
  const hub = new PeerHub()
  const peers: PeerMember[] = []
  for (let i = 0; i < 2; i++) {
    const box: { member: PeerMember | null } = { member: null }
    const { self, others } = hub.join((frame) => setImmediate(() => box.member?.receive(frame)))
    box.member = new PeerMember(self, others, { send: (frame) => hub.send(self, frame), close() {} })
    peers.push(box.member)
  }
  // They have heard of each other.
  await new Promise((resolve) => setImmediate(resolve))
  return { peers, leave: (i) => hub.leave((peers[i] as PeerMember).self) }
}
