/** FillTable: keeps track of the fills under way, as a fill sees it. */
import type { ResponseHead } from '../../http/message.ts'
import type { Ask } from './ask.ts'
import type { FillOwner, FillReaders } from './fill-readers.ts'

export interface FillTable extends FillOwner {
  /** Are there other workers that must know of an answer before those who wait for it get it? */
  readonly hasListeners: boolean
  /** Lets them know; `onHeard` is called when they all do. False: there is nobody. */
  announce(ask: Ask, response: ResponseHead, onHeard: () => void): boolean
  /** The answer has no stated length, and does not end at once. */
  announceLong(ask: Ask): void
  /** The fill must not be joined any more. A second call is harmless and returns false. */
  unlist(fill: FillReaders): boolean
  /** The fill may be joined by requests for its key. */
  list(fill: FillReaders): void
  /** Slices cannot be made of the answers for this key: for a while nobody tries. */
  rememberUnsliced(wholeKey: string): void
  /** The fill is over. Called once. */
  onFinish(fill: FillReaders): void
}
