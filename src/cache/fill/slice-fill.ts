/**
 * SliceFill: the fill of one slice. The first one for a URL does not know the version yet: its key is that of the
 * index, all who want any part of the answer wait for it, and what arrives decides what becomes of them:
 *
 * - A slice: the index is stored, all are told it, and each asks for the slices that it needs; the first finds its
 *   own growing here.
 * - The whole (since the origin ignores Range, or everything fits into one slice), an error or a redirect: the fill
 *   goes on as one for the whole.
 * - Something of which no slice can be made (no length, no strong validator, several parts): the whole is asked for,
 *   and for a while nobody tries slices of this URL.
 *
 * A slice of a known version that turns out to be of another is no answer to anybody: readers that have begun to send
 * are cut, the index is thrown away and all slices with it, and readers that have not begun start again.
 */
import { Faults } from '../../core/faults.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import type { Ask } from './ask.ts'
import type { Entry } from '../store/entry.ts'
import { Fill } from './fill.ts'
import type { Growing } from './growing.ts'
import { Outcome, type Reader } from './reader.ts'
import { asWhole, indexOf, SliceAnswer, versionOf, type Slice, type Version } from './slice.ts'

export class SliceFill extends Fill {
  /** The version that it has found. */
  #found: Version | null = null
  #index: Entry | null = null

  protected override edit(request: RequestHead): void {
    this.ask.slice?.askFor(request)
  }

  protected override accept(response: ResponseHead): boolean {
    const { slice = null } = this.ask
    if (slice === null) return true
    const { answer, version } = slice.judge(response)
    switch (answer) {
      case SliceAnswer.SLICE:
        asWhole(response)
        if (slice.version === null && version !== null) this.#nameVersion(slice, version)
        return true
      case SliceAnswer.WHOLE:
        asWhole(response)
        this.#becomeWhole(slice, response)
        return true
      case SliceAnswer.OTHER:
        if (slice.version === null) this.#becomeWhole(slice, response)
        else this.#letAllGo()
        return slice.version === null
      case SliceAnswer.CHANGED:
        this.#changed(slice)
        return false
      case SliceAnswer.BEYOND:
        if (slice.number > 0) this.#askAgain({ ...this.ask, slice: slice.at(0) })
        else this.#askForWhole(slice)
        return false
      default:
        this.#askForWhole(slice)
        return false
    }
  }

  #nameVersion(slice: Slice, version: Version): void {
    const named = slice.ofVersion(version)
    this.#found = version
    this.relist({ ...this.ask, key: named.key, stale: null, slice: named })
  }

  #becomeWhole(slice: Slice, { status }: ResponseHead): void {
    const { stale } = this.ask
    if (stale !== null && status < 500) this.table.store.remove(stale)
    this.relist({ ...this.ask, key: slice.wholeKey, slice: null })
  }

  #askForWhole({ wholeKey }: Slice): void {
    this.table.rememberUnsliced(wholeKey)
    this.#askAgain({ ...this.ask, key: wholeKey, slice: null })
  }

  #askAgain(ask: Ask): void {
    if (ask.stale !== null) this.table.store.remove(ask.stale)
    this.askAgain({ ...ask, stale: null }, Faults.CLIENT_GONE)
  }

  /** The origin says something else about this slice: that is best told to the one who asked. */
  #letAllGo(): void {
    this.tellAll((reader) => this.tell(reader, Outcome.ALONE))
    this.giveUp()
  }

  #changed({ indexKey, version }: Slice): void {
    const { store } = this.table
    const index = store.peek(indexKey, this.request)
    const isOurs = index !== null && versionOf(index)?.validator === version?.validator
    if (isOurs) store.remove(index)
    this.tellAll((reader) => this.tell(reader, Outcome.FAILED, null, Faults.ANSWER_CHANGED))
    this.giveUp()
  }

  /** A version has just been found: its index goes into the store, and to all readers. */
  protected override tellKept(growing: Growing, isPurged: boolean): void {
    const { slice = null } = this.ask
    const version = this.#found
    if (version === null || slice === null) return super.tellKept(growing, isPurged)
    const index = indexOf(growing.entry, slice.indexKey, version)
    const { store } = this.table
    const isStored = growing.isStored && store.begin(index) && store.complete(index)
    this.#index = index
    this.#found = null
    this.tellSuited(index, isPurged, (reader) => {
      reader.isStored = isStored
      this.tell(reader, Outcome.FILLED, index)
    })
  }

  /** A slice is as fresh as its index, which has been judged already. */
  protected override isUsable(entry: Entry, reader: Reader): boolean {
    return ((this.ask.slice ?? null) !== null && entry !== this.#index) || super.isUsable(entry, reader)
  }
}
