/** Questions to all workers: purges, whose counts are summed; explanations; certificates; warming. */
import type { ExplainedBy } from '../admin/admin.ts'
import type { RequestToExplain } from '../admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../admin/warm-body.ts'
import { sumOf, type PurgeTotal } from '../cache/purge/purge-total.ts'
import { marked, type PurgeRequest } from '../cache/store/purge-request.ts'
import { mostKnowing, type CertificateReport } from '../tls/acme/certificate-status.ts'
import type { Reply } from './channel.ts'
import { messageOf } from './fleet.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Ample: a live worker answers within a turn of its event loop. */
const answerMs = 5000

/** Purges in all workers. Never rejects: a worker that neither acknowledges it nor is gone counts as missing. */
export async function purgeWorkers(
  workers: readonly WorkerProcess[],
  requests: readonly PurgeRequest[],
): Promise<PurgeTotal> {
  const told = marked(requests)
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'purge', requests: told }, answerMs)),
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

/**
 * The count of an earlier purge so far; null when no worker remembers it. Workers that do not answer count as
 * missing.
 */
export async function purgeTotalOfWorkers(
  workers: readonly WorkerProcess[],
  id: string,
): Promise<PurgeTotal | null> {
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'purge-total', id }, answerMs)),
  )
  const totals = answers.flatMap((answer) => valueOf(answer) as (PurgeTotal | null)[])
  const known = totals.filter((total) => total !== null)
  return known.length === 0 ? null : { ...sumOf(known), missing: workers.length - totals.length }
}

/** Those that do not answer are left out. */
export async function explainByWorkers(
  workers: readonly WorkerProcess[],
  request: RequestToExplain,
): Promise<readonly ExplainedBy[]> {
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'explain', request }, answerMs)),
  )
  return answers.flatMap((answer, i) => {
    if (answer.status !== 'fulfilled' || answer.value.kind !== 'answer') return []
    return [{ pid: (workers[i] as WorkerProcess).pid, explanation: answer.value.value as object }]
  })
}

/** Those that do not answer are left out. */
export async function warmByWorkers(
  workers: readonly WorkerProcess[],
  order: WarmOrder,
): Promise<readonly WarmProgress[]> {
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'warm', order }, answerMs)),
  )
  return answers.flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value.kind === 'answer' && answer.value.value !== null
      ? [answer.value.value as WarmProgress]
      : [],
  )
}

/** The state of the certificates, as the worker that orders them knows it. */
export async function certificatesOfWorkers(workers: readonly WorkerProcess[]): Promise<CertificateReport> {
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'ask', what: 'certificates' }, answerMs)),
  )
  return mostKnowing(answers.flatMap((answer) => valueOf(answer) as CertificateReport[]))
}

/** Has the worker that orders renew these certificates; resolves to their names. */
export async function renewByWorkers(
  workers: readonly WorkerProcess[],
  names: readonly string[],
): Promise<readonly string[]> {
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'renew', names }, answerMs)),
  )
  return answers.flatMap((answer) => valueOf(answer) as string[][]).flat()
}

/** The value of an answer in a list; an empty list when there was no answer. */
function valueOf(answer: PromiseSettledResult<Reply>): unknown[] {
  return answer.status === 'fulfilled' && answer.value.kind === 'answer' ? [answer.value.value] : []
}

/** What each worker said of itself within `ms`, or why it did not. */
export async function statusOfWorkers(
  workers: readonly WorkerProcess[],
  ms: number,
): Promise<readonly object[]> {
  const answers = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'ask', what: 'status' }, ms)),
  )
  return answers.map((answer, i) => statusOf(workers[i] as WorkerProcess, answer))
}

function statusOf(worker: WorkerProcess, answer: PromiseSettledResult<Reply>): object {
  const { pid } = worker
  if (answer.status === 'rejected') return { pid, error: messageOf(answer.reason) }
  return Object.assign({ pid }, answer.value.kind === 'answer' ? answer.value.value : null)
}
