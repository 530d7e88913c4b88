/** FillTable: who keeps track of the fills under way. */
import type { FillOwner, FillReaders } from './fill-readers.ts'

export interface FillTable extends FillOwner {
  /** It must not be joined any more. Twice is harmless: false then. */
  unlist(fill: FillReaders): boolean
  /** It may be joined by who asks for its key. */
  list(fill: FillReaders): void
  /** Slices cannot be made of the answers for this key: for a while nobody tries. */
  rememberUnsliced(wholeKey: string): void
  /** It is over. Once. */
  onFinish(fill: FillReaders): void
}
