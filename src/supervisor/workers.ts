/**
 * WorkersFleet: several worker processes behind the listening sockets of this one.
 *
 * Promises: a worker's death drops only its own connections, and it is replaced, after ever longer waits while it
 * keeps dying; a config is taken by all workers or by none (each loads and compiles it and reports its hash; nothing
 * is swapped unless all hashes are equal); changes of the fleet (a replacement, a reload) happen one after another.
 */
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExplainedBy, ReloadReport } from '../admin/admin.ts'
import type { RequestToExplain } from '../admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../admin/warm-body.ts'
import { PeerHub } from '../core/peer-hub.ts'
import type { PurgeTotal } from '../cache/purge/purge-total.ts'
import type { PurgeRequest } from '../cache/store/store.ts'
import { mergeSnapshots, Metric, setSample, type MetricsSnapshot } from '../engine/metrics.ts'
import type { Plan } from '../engine/plan.ts'
import type { FromWorker } from './channel.ts'
import { joinOverChannel } from './channel-peers.ts'
import { messageOf, within, type Fleet, type Note } from './fleet.ts'
import { ProcessMetrics } from './process-metrics.ts'
import type { CertificateReport } from '../tls/acme/certificate-status.ts'
import {
  certificatesOfWorkers,
  explainByWorkers,
  purgeTotalOfWorkers,
  purgeWorkers,
  renewByWorkers,
  statusOfWorkers,
  warmByWorkers,
} from './asking.ts'
import { readSource, sourceOf, type ConfigSource, type Program, type RunningServer } from './program.ts'
import { RetiredCounters } from './retired-counters.ts'
import { SharedFolder } from './shared-folder.ts'
import { Slot } from './slot.ts'
import { Sockets, type SocketChange } from './sockets.ts'
import { commitMs, commitWorker, prepareMs, prepareWorker, swapWorkers } from './two-phases.ts'
import { WorkerProcess } from './worker-process.ts'

/** A worker has this long to give its numbers … */
const answerMs = 2000
/** … and this long after the drain to write its logs and go. */
const leaveMs = 2000
/** After how many crashes of a worker that never served the start is given up. */
const startCrashesMax = 3
const unsharedNote =
  'There is no /dev/shm by which workers could share what they cache: each keeps its own, unless cache.disk names a folder.'

export interface WorkersOptions {
  readonly program: Program
  readonly programUrl: string
  /** A server that is made from the first config and never listens: it provides the plan. */
  readonly model: RunningServer
  readonly source: ConfigSource
  /** What the source gave: replacement workers get the same, if it can be copied. */
  readonly loaded: object
  readonly note: Note
}

export class WorkersFleet implements Fleet {
  crashes = 0
  readonly #program: Program
  readonly #programUrl: string
  readonly #note: Note
  readonly #hub = new PeerHub()
  readonly #sockets = new Sockets()
  readonly #processMetrics = new ProcessMetrics()
  readonly #retired = new RetiredCounters()
  readonly #shared = SharedFolder.find()
  #slots: Slot[] = []
  #model: RunningServer
  #source: ConfigSource
  #isEnding = false
  /** The last change of the fleet; the next one waits for it. */
  #change: Promise<unknown> = Promise.resolve()

  constructor(options: WorkersOptions) {
    this.#program = options.program
    this.#programUrl = options.programUrl
    this.#model = options.model
    this.#source = sourceOf(options.source, options.loaded)
    this.#note = options.note
  }

  get plan(): Plan {
    return this.#model.plan
  }

  get listening(): readonly string[] {
    return this.#sockets.names()
  }

  get serving(): number {
    return this.#slots.filter((slot) => slot.isServing).length
  }

  #workers(): WorkerProcess[] {
    return this.#slots.flatMap((slot) => (slot.isServing && slot.worker !== null ? [slot.worker] : []))
  }

  /** Runs `change` after the one before it, even if that one failed. */
  #exclusively<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#change.then(change)
    this.#change = result.catch(() => {})
    return result
  }

  async start(): Promise<void> {
    const change = await this.#sockets.prepare(this.plan.listeners)
    this.#sockets.commit(change)
    if (this.#shared === null && this.plan.cache?.disk === null) this.#note('info', unsharedNote)
    try {
      await this.#exclusively(async () => {
        this.#slots = Array.from({ length: workerCount(this.plan) }, (_, number) => new Slot(number + 1))
        await Promise.all(this.#slots.map((slot) => this.#fillFirst(slot)))
      })
    } catch (error) {
      await this.stopNow()
      throw error
    }
  }

  /**
   * At the start: a worker that refuses ends the start with its reason; one that dies is tried again a few
   * times.
   */
  async #fillFirst(slot: Slot): Promise<void> {
    for (let crashes = 1; ; crashes++) {
      try {
        return await this.#fill(slot)
      } catch (error) {
        const isDead = slot.worker?.isAlive === false
        slot.worker?.kill()
        if (!isDead || this.#isEnding) throw error
        if (crashes === startCrashesMax)
          throw new Error(`workers die before they serve: ${messageOf(error)}`, { cause: error })
        await sleep(slot.nextWaitMs(0))
      }
    }
  }

  /** Forks a worker and brings it to serve the plan that runs. */
  async #fill(slot: Slot): Promise<void> {
    const worker = new WorkerProcess(this.#programUrl, slot.number, {
      onMessage: (from, message) => this.#hear(from, message),
      onExit: (from, how) => this.#onExit(slot, from, how),
    })
    slot.worker = worker
    slot.isServing = false
    const hello = worker.hello.then(() => true)
    if ((await within(hello, prepareMs)) === null) throw new Error('the worker says nothing')
    const { self, others } = joinOverChannel(this.#hub, (message, done) => worker.send(message, done))
    worker.peer = self
    const { listeners } = this.plan
    worker.send({ kind: 'peers', self, others, shared: this.#shared?.settings ?? null, listeners })
    for (const socket of this.#sockets.all()) worker.sendSocket(socket)
    const mismatch = 'the config has changed since it was taken: reload it'
    await prepareWorker(worker, this.#source, this.plan.hash, mismatch)
    await commitWorker(worker)
    slot.isServing = true
  }

  #hear(worker: WorkerProcess, message: FromWorker): void {
    if (message.kind === 'peer') this.#hub.send(worker.peer, message.frame)
    else if (message.kind === 'drained') worker.report = message.report
  }

  #onExit(slot: Slot, worker: WorkerProcess, how: string): void {
    this.#hub.leave(worker.peer)
    this.#retired.retire(worker)
    const wasServing = slot.worker === worker && slot.isServing
    if (slot.worker === worker) slot.isServing = false
    if (worker.isLeaving || this.#isEnding) return
    this.crashes++
    this.#note('error', `worker ${slot.number} (pid ${worker.pid}) died: ${how}`)
    // One that never served is in the hands of whoever fills the slot.
    if (wasServing) this.#replaceLater(slot, performance.now() - worker.startedMs)
  }

  #replaceLater(slot: Slot, livedMs: number): void {
    if (this.#isEnding || slot.timer !== null || !this.#slots.includes(slot)) return
    const waitMs = slot.nextWaitMs(livedMs)
    this.#note('info', `worker ${slot.number} is replaced in ${waitMs} ms`)
    slot.timer = setTimeout(() => {
      slot.timer = null
      void this.#exclusively(() => this.#replace(slot))
    }, waitMs)
  }

  async #replace(slot: Slot): Promise<void> {
    if (this.#isEnding || slot.isServing || !this.#slots.includes(slot)) return
    try {
      await this.#fill(slot)
      this.#note('info', `worker ${slot.number} (pid ${slot.worker?.pid}) serves`)
    } catch (error) {
      slot.worker?.kill()
      this.#note('error', `worker ${slot.number} cannot be replaced: ${messageOf(error)}`)
      this.#replaceLater(slot, 0)
    }
  }

  reload(source: ConfigSource): Promise<ReloadReport> {
    return this.#exclusively(() => this.#reload(source))
  }

  async #reload(source: ConfigSource): Promise<ReloadReport> {
    let model: RunningServer | null = null
    let change: SocketChange | null = null
    try {
      if (this.#isEnding) throw new Error('the server is stopping')
      const loaded = await readSource(this.#program, source)
      model = await this.#program.createServer(loaded, { isShared: true, openListeners: this.plan.listeners })
      change = await this.#sockets.prepare(model.plan.listeners)
      await this.#swap(source, model.plan.hash, change)
      this.#sockets.commit(change)
      const old = this.#model
      this.#model = model
      this.#source = sourceOf(source, loaded)
      void old.close({ drainMs: 0 })
      this.#resize()
      return { isTaken: true, hash: model.plan.hash, reason: '' }
    } catch (error) {
      if (change !== null) this.#sockets.discard(change)
      void model?.close({ drainMs: 0 })
      return { isTaken: false, hash: this.plan.hash, reason: messageOf(error) }
    }
  }

  /** Throws, and nothing has been swapped, unless all workers can take the config. */
  async #swap(source: ConfigSource, hash: string, change: SocketChange): Promise<void> {
    for (const { worker, reason } of await swapWorkers(this.#workers(), source, hash, change.added)) {
      // It is replaced by one that starts with the new plan.
      this.#note('error', `a worker could not take the config: ${reason}`)
      this.#dismiss(worker)
    }
  }

  /** Ends a worker that is of no use; its slot is filled again. */
  #dismiss(worker: WorkerProcess): void {
    const slot = this.#slots.find((each) => each.worker === worker)
    worker.kill()
    if (slot === undefined) return
    slot.isServing = false
    this.#replaceLater(slot, 0)
  }

  /** After a reload: as many workers as the plan says. */
  #resize(): void {
    const wanted = workerCount(this.plan)
    for (const slot of this.#slots.splice(wanted)) {
      slot.clear()
      slot.isServing = false
      const { drainMs } = this.plan
      void slot.worker?.leave({ kind: 'drain', drainMs }, drainMs + leaveMs)
    }
    while (this.#slots.length < wanted) {
      const slot = new Slot(this.#slots.length + 1)
      this.#slots.push(slot)
      void this.#exclusively(() => this.#replace(slot))
    }
  }

  async reopenLogs(): Promise<void> {
    await Promise.all(this.#workers().map((worker) => worker.ask({ kind: 'ask', what: 'reopen' }, commitMs)))
  }

  explain(request: RequestToExplain): Promise<readonly ExplainedBy[]> {
    return explainByWorkers(this.#workers(), request)
  }

  warm(order: WarmOrder): Promise<readonly WarmProgress[]> {
    return warmByWorkers(this.#workers(), order)
  }

  certificates(): Promise<CertificateReport> {
    return certificatesOfWorkers(this.#workers())
  }

  renewCertificates(names: readonly string[]): Promise<readonly string[]> {
    return renewByWorkers(this.#workers(), names)
  }

  purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    // Whoever has a process may have a store, also one that is just beginning to serve.
    const workers = this.#slots.flatMap(({ worker }) => (worker?.isAlive === true ? [worker] : []))
    return purgeWorkers(workers, requests)
  }

  purgeTotal(id: string): Promise<PurgeTotal | null> {
    return purgeTotalOfWorkers(this.#workers(), id)
  }

  async drain(drainMs: number): Promise<readonly unknown[]> {
    this.#end()
    const workers = this.#slots.flatMap((slot) => (slot.worker === null ? [] : [slot.worker]))
    await Promise.all(workers.map((worker) => worker.leave({ kind: 'drain', drainMs }, drainMs + leaveMs)))
    this.#shared?.remove()
    return workers.map((worker) => worker.report)
  }

  async stopNow(): Promise<void> {
    this.#end()
    const workers = this.#slots.flatMap((slot) => (slot.worker === null ? [] : [slot.worker]))
    await Promise.all(workers.map((worker) => worker.leave({ kind: 'stop' }, leaveMs)))
    this.#shared?.remove()
  }

  #end(): void {
    this.#isEnding = true
    for (const slot of this.#slots) slot.clear()
    this.#sockets.close()
    this.#processMetrics.close()
    void this.#model.close({ drainMs: 0 })
  }

  async metrics(): Promise<MetricsSnapshot> {
    const workers = this.#workers()
    const answers = await Promise.allSettled(
      workers.map((worker) => worker.ask({ kind: 'ask', what: 'metrics' }, answerMs)),
    )
    const snapshots: MetricsSnapshot[] = []
    for (const [i, answer] of answers.entries()) {
      if (answer.status !== 'fulfilled' || answer.value.kind !== 'answer') continue
      const snapshot = answer.value.value as MetricsSnapshot
      this.#retired.keep(workers[i] as WorkerProcess, snapshot)
      snapshots.push(snapshot)
    }
    const own: MetricsSnapshot = {}
    this.#processMetrics.write(own)
    setSample(own, Metric.WORKERS, '', this.serving)
    setSample(own, Metric.WORKER_CRASHES, '', this.crashes)
    return mergeSnapshots([...snapshots, this.#retired.sum, own])
  }

  async status(): Promise<object> {
    const workers = await statusOfWorkers(this.#workers(), answerMs)
    return { supervisorPid: process.pid, crashes: this.crashes, workers }
  }
}

/** How many workers the plan wants; 0 in the plan means one per core. */
export function workerCount(plan: Plan): number {
  return plan.workers === 0 ? availableParallelism() : plan.workers
}
