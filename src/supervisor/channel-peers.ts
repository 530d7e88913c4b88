/**
 * Peers over the supervisor's channels: the member in a worker talks to the hub in the supervisor.
 *
 * A channel that is not read fills up. Messages beyond `channelBytesMax` are lost (the receiver sees the gap and asks
 * for a snapshot), while what keeps order (asking, snapshots, joining, leaving) is always sent.
 */
import { PeerMember, type PeerFrame } from '../core/peer-member.ts'
import type { PeerHub } from '../core/peer-hub.ts'

/** A peer that reads nothing costs at most this much memory. */
export const channelBytesMax: number = 8 * 1024 * 1024
/** What a frame counts for beside its bytes. */
const frameBytes = 128

/** Sends one message; `done` is called when the channel has taken it. */
export type ChannelSend = (message: { kind: 'peer'; frame: PeerFrame }, done: () => void) => void

/** One direction of a channel, with its bound. */
export class PeerChannel {
  /** How many messages did not fit. */
  lost = 0
  readonly #send: ChannelSend
  #waitingBytes = 0

  constructor(send: ChannelSend) {
    this.#send = send
  }

  send(frame: PeerFrame): void {
    const bytes = frame.bytes.length + frame.topic.length + frameBytes
    if (frame.kind === 'message' && this.#waitingBytes + bytes > channelBytesMax) {
      this.lost++
      return
    }
    this.#waitingBytes += bytes
    this.#send({ kind: 'peer', frame }, () => {
      this.#waitingBytes -= bytes
    })
  }
}

/** For a worker: its member, whose `receive` must be given the frames that arrive. */
export function channelPeers(self: number, others: readonly number[], send: ChannelSend): PeerMember {
  const channel = new PeerChannel(send)
  return new PeerMember(self, others, { send: (frame) => channel.send(frame), close() {} })
}

/** For the supervisor: makes a worker a member of the hub. */
export function joinOverChannel(
  hub: PeerHub,
  send: ChannelSend,
): { readonly self: number; readonly others: readonly number[] } {
  const channel = new PeerChannel(send)
  return hub.join((frame) => channel.send(frame))
}
