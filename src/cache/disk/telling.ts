/**
 * Telling: what this worker is asking origins for and what becomes of it, as the others are told, until it is on disk or
 * never will be.
 *
 * Promises: each answer that was announced is settled for the others, once nothing newer of its key is on its way.
 */
import type { FillsTold } from '../fill/fills.ts'
import type { Arriving } from './arriving.ts'
import type { Sharing } from './sharing.ts'
import type { Writer } from './writer.ts'

export class Telling implements FillsTold {
  readonly #sharing: Sharing
  readonly #writer: Writer
  readonly #arriving: Arriving
  /** Answers that others were told of and that are not all there yet, by key. */
  readonly #announced = new Map<string, number>()

  constructor(sharing: Sharing, writer: Writer, arriving: Arriving) {
    this.#sharing = sharing
    this.#writer = writer
    this.#arriving = arriving
  }

  get hasListeners(): boolean {
    return this.#sharing.hasListeners
  }

  onAsked(key: string): void {
    this.#sharing.asked(key)
  }

  onAnswer(key: string, isSoon: boolean, onHeard: () => void): boolean {
    if (!this.#sharing.announce(key, isSoon, onHeard)) return false
    this.#announced.set(key, (this.#announced.get(key) ?? 0) + 1)
    return true
  }

  onLong(key: string): void {
    this.#sharing.writing(key, false)
  }

  onAnswered(key: string): void {
    const others = (this.#announced.get(key) ?? 0) - 1
    if (others > 0) return void this.#announced.set(key, others)
    this.#announced.delete(key)
    const isWritten = this.#writer.jobs(key) > 0 || this.#arriving.isSoon(key)
    if (isWritten) this.#sharing.writing(key, this.#writer.isQuick)
    else this.#sharing.done(key)
  }

  // What comes of the disk

  written(name: string, key: string, bytes: number, tags: readonly string[]): void {
    this.#sharing.added(name, bytes, key, this.#isSettled(key), tags)
  }

  removed(name: string, key: string): void {
    this.#sharing.removed(name, key, this.#isSettled(key))
  }

  unwritten(key: string): void {
    if (this.#isSettled(key)) this.#sharing.done(key)
  }

  /** One thing that was to be done is, and counts until it is told: is it the last that is on its way to the disk? */
  #isSettled(key: string): boolean {
    return !this.#announced.has(key) && this.#writer.jobs(key) + this.#arriving.finishing(key) <= 1
  }
}
