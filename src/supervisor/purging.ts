/** A purge over all workers: asked of each, and what they acknowledge is summed. */
import { sumOf, type PurgeTotal } from '../cache/purge-peers.ts'
import type { PurgeRequest } from '../cache/store.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A worker that is alive answers within a turn of its event loop. */
const purgeMs = 5000

/** Never rejects: who does not acknowledge it, and is not gone, is counted as missing. */
export async function purgeWorkers(
  workers: readonly WorkerProcess[],
  requests: readonly PurgeRequest[],
): Promise<PurgeTotal> {
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'purge', requests }, purgeMs)),
  )
  const totals: PurgeTotal[] = []
  let missing = 0
  for (const [i, answer] of answers.entries()) {
    if (answer.status === 'fulfilled' && answer.value.kind === 'answer')
      totals.push(answer.value.value as PurgeTotal)
    // What a dead worker had stored is gone with it.
    else if (workers[i]?.isAlive === true) missing++
  }
  const total = sumOf(totals)
  return { ...total, missing: total.missing + missing }
}
