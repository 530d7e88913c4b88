/**
 * The two phases in which workers take a config: each loads and compiles it and reports its hash; only when all hashes are
 * equal does any of them swap.
 */
import { messageOf } from './fleet.ts'
import type { ListeningSocket } from './listening-socket.ts'
import type { ConfigSource } from './program.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A worker has this long to load and compile a config, including name lookups … */
export const prepareMs = 30_000
/** … and this long to swap it, or to do anything else that is as quick. */
export const commitMs = 10_000

/** A worker that prepared a config and could not swap to it. */
export interface LeftBehind {
  readonly worker: WorkerProcess
  readonly reason: string
}

/** The first phase in one worker. Rejects with `mismatch` when what it loaded is not the config of this hash. */
export async function prepareWorker(
  worker: WorkerProcess,
  source: ConfigSource,
  hash: string,
  mismatch: string,
): Promise<void> {
  const reply = await worker.ask({ kind: 'prepare', source }, prepareMs)
  if (reply.kind !== 'prepared' || reply.hash !== hash) throw new Error(mismatch)
}

/** The second phase in one worker. */
export async function commitWorker(worker: WorkerProcess): Promise<void> {
  await worker.ask({ kind: 'commit' }, commitMs)
}

/**
 * Both phases in all workers, which are handed the sockets that the config adds. Rejects, and nothing has been swapped,
 * unless every worker prepared the config of this hash. Resolves to those that then could not swap, when it is too late to
 * go back.
 */
export async function swapWorkers(
  workers: readonly WorkerProcess[],
  source: ConfigSource,
  hash: string,
  added: readonly ListeningSocket[],
): Promise<LeftBehind[]> {
  try {
    await Promise.all(
      workers.map((worker) => {
        for (const socket of added) worker.sendSocket(socket)
        return prepareWorker(worker, source, hash, 'the config changed while it was read: try again')
      }),
    )
  } catch (error) {
    for (const worker of workers) worker.send({ kind: 'discard' })
    throw error
  }
  const commits = await Promise.allSettled(workers.map(commitWorker))
  return workers.flatMap((worker, i) => {
    const commit = commits[i]
    return commit?.status === 'rejected' ? [{ worker, reason: messageOf(commit.reason) }] : []
  })
}
