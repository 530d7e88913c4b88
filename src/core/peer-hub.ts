/**
 * PeerHub: passes frames between members. It lives in the supervisor, or in the only process there is. It alone gives
 * out member numbers, so a worker that is restarted has a new one.
 *
 * Invariants: frames from one member reach another in the order in which they were sent; a member hears that another
 * has joined before any frame from it, and that it has left after the last; nothing is sent back to its sender.
 */
import type { PeerFrame } from './peer-member.ts'

const noBytes = new Uint8Array(0)

function notice(kind: 'join' | 'leave', from: number): PeerFrame {
  return { kind, from, to: 0, topic: '', sequence: 0, bytes: noBytes }
}

export class PeerHub {
  #last = 0
  readonly #members = new Map<number, (frame: PeerFrame) => void>()

  /** Adds a member; `deliver` brings it frames, in order and not from inside one of its own calls. */
  join(deliver: (frame: PeerFrame) => void): { readonly self: number; readonly others: readonly number[] } {
    const others = [...this.#members.keys()]
    const self = ++this.#last
    for (const tell of this.#members.values()) tell(notice('join', self))
    this.#members.set(self, deliver)
    return { self, others }
  }

  /** Passes on a frame from member `from`; what the frame says about its sender is not believed. */
  send(from: number, frame: PeerFrame): void {
    if (!this.#members.has(from)) return
    const { kind, to, topic, sequence, bytes } = frame
    if (kind === 'join' || kind === 'leave') return
    const stamped: PeerFrame = { kind, from, to, topic, sequence, bytes }
    if (to !== 0) {
      if (to !== from) this.#members.get(to)?.(stamped)
      return
    }
    for (const [member, deliver] of this.#members) if (member !== from) deliver(stamped)
  }

  leave(member: number): void {
    if (!this.#members.delete(member)) return
    for (const tell of this.#members.values()) tell(notice('leave', member))
  }

  get size(): number {
    return this.#members.size
  }
}
