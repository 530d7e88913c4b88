/** Purges on their way into the journal, and from when on they count for what is on disk. */
import type { PurgeRequest } from '../store/purge-request.ts'
import type { Journal } from './journal.ts'
import type { Marks } from './marks.ts'

/**
 * Resolves when nothing that these purges concern is found any more, not even after a loss of power. Rejects
 * when that cannot be ensured. With `onNoted`, another worker has told of the purges, and it is called when
 * nothing is found any more; without it, that is so when this returns.
 */
export async function appendPurges(
  { journal, marks }: { readonly journal: Journal; readonly marks: Marks },
  requests: readonly PurgeRequest[],
  onNoted: (() => void) | null,
): Promise<void> {
  const purges = requests
    .filter(({ isDry }) => isDry !== true)
    .map(({ target, isSoft = false, id = '' }) => ({ target, isSoft, id }))
  if (purges.length === 0) return onNoted?.()
  const mark = (): void => {
    for (const { target, isSoft } of purges) marks.apply(target, isSoft, journal.endAt)
  }
  if (onNoted === null) {
    mark()
    return journal.append(purges)
  }
  // The other worker's line may already be in the journal: files that are younger than that are not concerned.
  await journal.append(purges, onNoted).catch((error: unknown) => {
    mark()
    throw error
  })
}
