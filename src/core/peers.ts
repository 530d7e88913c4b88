/**
 * Peers: messages between the workers of one program, and later between machines. All shared state travels through
 * this seam: bans, limiter shares, purge generations, ticket keys, origin states.
 *
 * Promises of every implementation (held by one shared suite, test/unit/core/peers-suite.ts):
 * - Messages of one sender on one topic arrive in the order sent, each at most once, and never at the sender itself.
 *   A message to one peer arrives nowhere else.
 * - Each carries the sender's sequence number for the topic. A gap means loss, and the receiver asks for a snapshot.
 * - A peer that joins is sent a snapshot of each topic by one peer that provides it, before any later message of that
 *   peer. A peer that leaves is announced once.
 */

export interface PeerMessage {
  /** The sender's number, unique for the life of the program; a restarted worker has a new one. */
  readonly from: number
  readonly topic: string
  /** 1, 2, 3 … per sender and topic. 0 marks a snapshot. */
  readonly sequence: number
  readonly bytes: Uint8Array
}

export interface Peers {
  /** This member's own number. */
  readonly self: number
  /** The numbers of the others that are present now. */
  others(): readonly number[]
  /**
   * Sends to all others, or to one of them (`to`). A topic is used for one of the two only, since the numbers
   * are counted separately.
   */
  send(topic: string, bytes: Uint8Array, to?: number): void
  /** Sets the listener of a topic; there is one, the last one set. */
  onMessage(topic: string, listener: (message: PeerMessage) => void): void
  /** Sets what provides the whole state of a topic, as bytes, for a peer that joins. */
  onSnapshot(topic: string, provider: () => Uint8Array): void
  /** Adds a listener that hears of each peer that leaves. */
  onLeave(listener: (peer: number) => void): void
  close(): void
}
