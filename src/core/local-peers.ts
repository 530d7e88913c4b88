/**
 * Peers within one process: a single member with `workers: 1`, or several members of one hub in tests. Frames are
 * delivered in order in a later microtask, as a channel would deliver them: no listener is ever called from inside
 * `send`.
 */
import { PeerHub } from './peer-hub.ts'
import { PeerMember, type PeerFrame } from './peer-member.ts'

export interface LocalPeersOptions {
  /** For tests: true means that this frame is lost on its way to a member. Only messages can be lost. */
  readonly loses?: (frame: PeerFrame, to: number) => boolean
  /** For tests: calls `deliver` later, in the order of the calls; without it, in a microtask. */
  readonly later?: (deliver: () => void) => void
}

/** A new member of `hub`. */
export function joinLocal(hub: PeerHub, options: LocalPeersOptions = {}): PeerMember {
  const { later = queueMicrotask } = options
  const deliver = (frame: PeerFrame): void => {
    if (frame.kind === 'message' && options.loses?.(frame, self) === true) return
    later(() => member.receive(frame))
  }
  const { self, others } = hub.join(deliver)
  const member = new PeerMember(self, others, {
    send: (frame) => hub.send(self, frame),
    close: () => hub.leave(self),
  })
  return member
}
