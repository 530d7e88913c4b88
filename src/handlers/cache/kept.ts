/** What the cache step keeps on an exchange. */
import { Lookup } from '../../cache/disk/lookup.ts'
import { PartKeeper } from '../../cache/fill/part-keeper.ts'
import { PostKeeper } from '../../cache/fill/post-keeper.ts'
import { Reader } from '../../cache/fill/reader.ts'
import { SliceLook } from './slicing.ts'

/** What must hear that the exchange is over. */
export function isLeft(kept: unknown): kept is { leave(): void } {
  return (
    kept instanceof Reader ||
    kept instanceof Lookup ||
    kept instanceof SliceLook ||
    kept instanceof PartKeeper ||
    kept instanceof PostKeeper
  )
}
