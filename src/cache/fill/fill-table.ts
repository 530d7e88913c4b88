/** FillTable: keeps track of the fills under way, as a fill sees it. */
import type { ResponseHead } from '../../http/message.ts'
import type { Ask } from './ask.ts'
import type { FillOwner, FillReaders } from './fill-readers.ts'

export interface FillTable extends FillOwner {
  /** Are there others that must know of an answer before those who wait for it? */
  readonly hasListeners: boolean
  /** Has them know; `onHeard` is called when they do. False: there is nobody. */
  announce(ask: Ask, response: ResponseHead, onHeard: () => void): boolean
  /** It has no stated length, and does not end at once. */
  announceLong(ask: Ask): void
  /** It must not be joined any more. Twice is harmless: false then. */
  unlist(fill: FillReaders): boolean
  /** It may be joined by who asks for its key. */
  list(fill: FillReaders): void
  /** Slices cannot be made of the answers for this key: for a while nobody tries. */
  rememberUnsliced(wholeKey: string): void
  /** It is over. Once. */
  onFinish(fill: FillReaders): void
}
