/**
 * PeerMember: the rules of Peers (sequence numbers, loss, snapshots) over any link that carries frames in order to a
 * hub. Channels between processes and connections between machines would differ only in the link.
 *
 * How a member gets a snapshot: when it first listens to a topic it asks the others, one at a time in the order of
 * their numbers, until one provides it. On a gap in a sender's sequence numbers it asks that sender. The snapshot
 * travels the same way as messages, so it contains everything that its provider sent before it, and what follows it
 * is newer.
 */
import type { PeerMessage, Peers } from './peers.ts'

/** A frame on the link. `to` 0 means all others. */
export interface PeerFrame {
  readonly kind: 'message' | 'ask' | 'snapshot' | 'nothing' | 'join' | 'leave'
  readonly from: number
  readonly to: number
  readonly topic: string
  /**
   * The number of a message; for a snapshot, or the answer that there is none, the provider's last number on
   * the topic.
   */
  readonly sequence: number
  readonly bytes: Uint8Array
}

/** The way to the hub. `send` may lose a frame; it never reorders frames. */
export interface PeerLink {
  send(frame: PeerFrame): void
  close(): void
}

const noBytes = new Uint8Array(0)

interface Topic {
  sent: number
  /** The same for messages that were sent to a single peer. */
  readonly sentTo: Map<number, number>
  listener: ((message: PeerMessage) => void) | null
  provider: (() => Uint8Array) | null
  /** The last number heard, by sender. */
  readonly heard: Map<number, number>
  /** The peer that was asked for a snapshot and has not answered, 0 for none. */
  asked: number
  /** Whom to ask next, until one provides a snapshot: we have just begun to listen. */
  candidates: number[]
  /** Whom to ask because something that they sent was lost. */
  readonly lossy: Set<number>
}

export class PeerMember implements Peers {
  readonly self: number
  /** How many gaps were seen: how often messages were lost on the way here. */
  gaps = 0
  readonly #link: PeerLink
  readonly #others: Set<number>
  /** Peers that joined after us, whose messages are all heard from the first one on. */
  readonly #younger = new Set<number>()
  readonly #topics = new Map<string, Topic>()
  readonly #leaveListeners: ((peer: number) => void)[] = []
  #isClosed = false

  constructor(self: number, others: Iterable<number>, link: PeerLink) {
    this.self = self
    this.#others = new Set(others)
    this.#link = link
  }

  others(): readonly number[] {
    return [...this.#others].sort((a, b) => a - b)
  }

  send(topic: string, bytes: Uint8Array, to = 0): void {
    if (this.#isClosed || (to !== 0 && !this.#others.has(to))) return
    const state = this.#topic(topic)
    const sequence = to === 0 ? ++state.sent : (state.sentTo.get(to) ?? 0) + 1
    if (to !== 0) state.sentTo.set(to, sequence)
    // Copied: the link may keep it until the next turn, and the caller's bytes are borrowed.
    this.#send('message', to, topic, sequence, Uint8Array.from(bytes))
  }

  onMessage(topic: string, listener: (message: PeerMessage) => void): void {
    const state = this.#topic(topic)
    const isFirst = state.listener === null
    state.listener = listener
    if (!isFirst) return
    state.candidates = [...this.others()]
    this.#askNext(topic, state)
  }

  onSnapshot(topic: string, provider: () => Uint8Array): void {
    this.#topic(topic).provider = provider
  }

  onLeave(listener: (peer: number) => void): void {
    this.#leaveListeners.push(listener)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#link.close()
  }

  /** A frame came from the hub. */
  receive(frame: PeerFrame): void {
    if (this.#isClosed) return
    switch (frame.kind) {
      case 'join':
        this.#others.add(frame.from)
        this.#younger.add(frame.from)
        return
      case 'leave':
        return this.#leave(frame.from)
      case 'ask':
        return this.#answer(frame.from, frame.topic)
      case 'message':
        return this.#hear(frame)
      default:
        return this.#learn(frame)
    }
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = {
        sent: 0,
        sentTo: new Map(),
        listener: null,
        provider: null,
        heard: new Map(),
        asked: 0,
        candidates: [],
        lossy: new Set(),
      }
      this.#topics.set(name, topic)
    }
    return topic
  }

  #send(kind: PeerFrame['kind'], to: number, topic: string, sequence: number, bytes: Uint8Array): void {
    this.#link.send({ kind, from: this.self, to, topic, sequence, bytes })
  }

  #askNext(name: string, topic: Topic): void {
    if (topic.asked !== 0) return
    const [lossy] = topic.lossy
    if (lossy !== undefined) topic.lossy.delete(lossy)
    const peer = lossy ?? topic.candidates.shift()
    if (peer === undefined) return
    topic.asked = peer
    this.#send('ask', peer, name, 0, noBytes)
  }

  #answer(asker: number, name: string): void {
    const topic = this.#topic(name)
    const sent = topic.sentTo.get(asker) ?? topic.sent
    if (topic.provider === null) this.#send('nothing', asker, name, sent, noBytes)
    else this.#send('snapshot', asker, name, sent, Uint8Array.from(topic.provider()))
  }

  #hear(frame: PeerFrame): void {
    const topic = this.#topic(frame.topic)
    const { from, sequence } = frame
    const last = topic.heard.get(from) ?? (this.#younger.has(from) ? 0 : sequence - 1)
    if (sequence <= last) return
    topic.heard.set(from, sequence)
    // While nobody listens nothing is missed: the first listener asks for the whole state.
    if (topic.listener === null) return
    topic.listener({ from, topic: frame.topic, sequence, bytes: frame.bytes })
    if (sequence === last + 1) return
    this.gaps++
    // A peer that is being asked already will answer after this message, and so with everything that came
    // before it.
    if (topic.asked !== from) topic.lossy.add(from)
    this.#askNext(frame.topic, topic)
  }

  /** The answer of a peer that was asked. */
  #learn(frame: PeerFrame): void {
    const topic = this.#topic(frame.topic)
    if (topic.asked !== frame.from) return
    topic.asked = 0
    topic.heard.set(frame.from, Math.max(frame.sequence, topic.heard.get(frame.from) ?? 0))
    if (frame.kind === 'snapshot') {
      topic.candidates = []
      topic.listener?.({ from: frame.from, topic: frame.topic, sequence: 0, bytes: frame.bytes })
    }
    this.#askNext(frame.topic, topic)
  }

  #leave(peer: number): void {
    if (!this.#others.delete(peer)) return
    this.#younger.delete(peer)
    for (const [name, topic] of this.#topics) {
      topic.heard.delete(peer)
      topic.sentTo.delete(peer)
      topic.lossy.delete(peer)
      topic.candidates = topic.candidates.filter((other) => other !== peer)
      if (topic.asked !== peer) continue
      topic.asked = 0
      this.#askNext(name, topic)
    }
    for (const listener of this.#leaveListeners) listener(peer)
  }
}
