/**
 * TicketKeys: the key that seals session tickets (RFC 8446 §4.6.1, RFC 5077). It is the same in all workers, since a
 * client that comes back may reach another one.
 *
 * OpenSSL in Node holds one key at a time: when it is replaced, tickets under the old one are worthless, and each
 * client that has one makes one full handshake. Keys live in memory only; after a restart there are new ones.
 *
 * Which worker's key wins: the one with the higher epoch, or, of two equal epochs, the greater bytes. A worker that
 * joins others begins with epoch 0, so it takes over theirs; the worker with the lowest number rotates the key.
 */
import { randomBytes } from 'node:crypto'
import type { Clock, ClockTimer } from '../core/clock.ts'
import type { Peers } from '../core/peers.ts'

const topic = 'tls-tickets'
const keyBytes = 48

export class TicketKeys {
  readonly #clock: Clock
  readonly #peers: Peers | null
  #rotationMs: number
  #epoch: number
  #key: Buffer = randomBytes(keyBytes)
  #timer: ClockTimer | null = null

  /** `rotationMs` 0: never. */
  constructor(clock: Clock, peers: Peers | null, rotationMs: number) {
    this.#clock = clock
    this.#peers = peers
    this.#rotationMs = rotationMs
    this.#epoch = peers !== null && peers.others().length > 0 ? 0 : 1
    peers?.onSnapshot(topic, () => this.#bytes())
    peers?.onMessage(topic, ({ bytes }) => this.#hear(Buffer.from(bytes)))
    peers?.send(topic, this.#bytes())
    this.#wait()
  }

  /** 48 bytes; another object after each rotation. */
  get key(): Buffer {
    return this.#key
  }

  configure(rotationMs: number): void {
    if (rotationMs === this.#rotationMs) return
    this.#rotationMs = rotationMs
    this.#wait()
  }

  #wait(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#rotationMs <= 0) return
    this.#timer = this.#clock.after(this.#rotationMs, () => {
      const peers = this.#peers
      if (peers === null || peers.others().every((other) => other > peers.self)) this.rotate()
      this.#wait()
    })
  }

  /** Makes a new key and tells the others. */
  rotate(): void {
    this.#epoch++
    this.#key = randomBytes(keyBytes)
    this.#peers?.send(topic, this.#bytes())
  }

  #bytes(): Buffer {
    const epoch = Buffer.alloc(4)
    epoch.writeUInt32BE(this.#epoch)
    return Buffer.concat([epoch, this.#key])
  }

  #hear(bytes: Buffer): void {
    if (bytes.length !== 4 + keyBytes) return
    const epoch = bytes.readUInt32BE(0)
    const key = bytes.subarray(4)
    const isNewer = epoch > this.#epoch || (epoch === this.#epoch && key.compare(this.#key) > 0)
    if (!isNewer) return
    this.#epoch = epoch
    this.#key = key
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
