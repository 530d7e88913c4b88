/**
 * Telling: tells the other workers what this one is asking origins for, and what becomes of it, until it is on disk
 * or never will be.
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
  /** How many answers that others were told of are not complete yet, by key. */
  readonly #announced = new Map<string, number>()
  /** Keys under rules for parameters that were announced with the request's key, and are settled with it. */
  readonly #ruled = new Map<string, string[]>()

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

  onAnswer(key: string, isSoon: boolean, onHeard: () => void, ruledKey = ''): boolean {
    if (ruledKey === '') return this.#announce(key, isSoon, onHeard)
    let unheard = 2
    const onOneHeard = (): void => {
      if (--unheard === 0) onHeard()
    }
    if (!this.#announce(key, isSoon, onOneHeard)) return false
    this.#ruled.set(key, [...(this.#ruled.get(key) ?? []), ruledKey])
    return this.#announce(ruledKey, isSoon, onOneHeard)
  }

  #announce(key: string, isSoon: boolean, onHeard: () => void): boolean {
    if (!this.#sharing.announce(key, isSoon, onHeard)) return false
    this.#announced.set(key, (this.#announced.get(key) ?? 0) + 1)
    return true
  }

  onLong(key: string): void {
    for (const each of [key, ...(this.#ruled.get(key) ?? [])]) this.#sharing.writing(each, false)
  }

  onAnswered(key: string, wasAnnounced: boolean): void {
    // Of one that nobody was told of nothing is settled while others are on their way.
    if (!wasAnnounced && this.#announced.has(key)) return
    if (!this.#end(key)) return
    const ruled = this.#ruled.get(key)
    this.#ruled.delete(key)
    for (const each of ruled ?? []) this.#end(each)
  }

  /** One answer to the key is complete, or never will be. False: others are still on their way. */
  #end(key: string): boolean {
    const others = (this.#announced.get(key) ?? 0) - 1
    if (others > 0) {
      this.#announced.set(key, others)
      return false
    }
    this.#announced.delete(key)
    const isWritten = this.#writer.jobs(key) > 0 || this.#arriving.isSoon(key)
    if (isWritten) this.#sharing.writing(key, this.#writer.isQuick)
    else this.#sharing.done(key)
    return true
  }

  // What becomes of it on disk

  written(name: string, key: string, bytes: number, tags: readonly string[]): void {
    this.#sharing.added(name, bytes, key, this.#isSettled(key), tags)
  }

  removed(name: string, key: string): void {
    this.#sharing.removed(name, key, this.#isSettled(key))
  }

  unwritten(key: string): void {
    if (this.#isSettled(key)) this.#sharing.done(key)
  }

  /** One task is done; it still counts until this is told. Is it the last that is on its way to the disk? */
  #isSettled(key: string): boolean {
    return !this.#announced.has(key) && this.#writer.jobs(key) + this.#arriving.finishing(key) <= 1
  }
}
