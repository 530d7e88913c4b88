/**
 * Runner: a fleet (one server in this process, or workers) and everything that an operator drives it with: signals,
 * the admin listener, watching the config, the pidfile, systemd.
 *
 * Promises: a start that fails leaves nothing behind and says why; a wrong config never replaces one that runs; the
 * first signal to end drains, the second ends at once.
 */
import { AdminServer, type AdminTarget, type ExplainedBy, type ReloadReport } from '../admin/admin.ts'
import type { RequestToExplain } from '../admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../admin/warm-body.ts'
import { sumOf, type PurgeTotal } from '../cache/purge/purge-total.ts'
import type { PurgeRequest } from '../cache/store/store.ts'
import { systemClock } from '../core/clock.ts'
import { Logs } from '../engine/logs.ts'
import { labelText, Metric, setSample, type MetricsSnapshot } from '../engine/metrics.ts'
import type { Plan } from '../engine/plan.ts'
import { warnIfTooFewDescriptors } from '../net/descriptors.ts'
import { mostKnowing, type CertificateReport } from '../tls/acme/certificate-status.ts'
import { exitCrashed, exitForced, exitOk } from './exit-codes.ts'
import { messageOf, type Fleet } from './fleet.ts'
import { allIsSaid, monotonicMicros, notifySystemd } from './notify.ts'
import { removePidfile, writePidfile } from './pidfile.ts'
import { loadProgram, readSource, siblingUrl, type ConfigSource, type Program } from './program.ts'
import { onSignals } from './signals.ts'
import { SingleFleet } from './single.ts'
import { FileWatch } from './watch.ts'
import { WorkersFleet } from './workers.ts'

export interface RunOptions {
  /** A file, read again at each reload; or `document`, made by a command. */
  readonly configPath?: string
  readonly document?: object
  readonly watch?: boolean
  readonly pidfile?: string
  /** For the start line, the status and `headgate_build_info`. */
  readonly version?: string
  /** Module with `createServer` and `loadConfig`; the program's own by default. */
  readonly programUrl?: string
}

/** The logs' last lines have this long to be written. */
const logCloseMs = 1000

export class Runner implements AdminTarget {
  /** Gives the exit code, when all is over. */
  readonly ended: Promise<number>
  isEnding = false
  readonly #options: RunOptions
  readonly #source: ConfigSource
  readonly #logs = new Logs(systemClock, true, false)
  readonly #undo: (() => void | Promise<void>)[] = []
  readonly #end: (code: number) => void
  readonly #startedMs = Date.now()
  #fleet: Fleet | null = null
  #isServing = false
  #isForced = false
  #admin: AdminServer | null = null
  #adminListen = ''
  #reloads = { ok: 0, refused: 0, takenMs: Date.now(), reason: '' }

  constructor(options: RunOptions) {
    this.#options = options
    this.#source =
      options.configPath === undefined ? { document: options.document ?? {} } : { path: options.configPath }
    const { promise, resolve } = Promise.withResolvers<number>()
    this.ended = promise
    this.#end = resolve
  }

  /** Rejects with the reason when it cannot start, or was told to end meanwhile; `undo` cleans up then. */
  async start(): Promise<void> {
    const { pidfile } = this.#options
    this.#undo.push(
      onSignals({
        onEnd: () => this.#onEndSignal(),
        onReload: () => void this.reload(),
        onReopen: () => void this.#reopenOnSignal(),
      }),
    )
    process.title = 'headgate'
    const fleet = await this.#makeFleet()
    this.#undo.push(() => this.#logs.close(logCloseMs))
    if (pidfile !== undefined) {
      writePidfile(pidfile)
      this.#undo.push(() => removePidfile(pidfile))
    }
    if (this.isEnding) throw new Error('told to end before it served')
    this.#fleet = fleet
    await fleet.start()
    this.#undo.push(() => (this.#isForced ? fleet.stopNow() : undefined))
    this.#isServing = true
    await this.#moveAdmin(fleet.plan.admin.listen).catch(async (error: unknown) => {
      await fleet.stopNow()
      throw error
    })
    this.#catchBugs()
    this.#sayStarted(fleet)
  }

  async #makeFleet(): Promise<Fleet> {
    const programUrl = this.#options.programUrl ?? siblingUrl('default-program')
    const program = this.#watched(await loadProgram(programUrl))
    const loaded = await readSource(program, this.#source)
    const model = await program.createServer(loaded)
    this.#logs.prepare(model.plan.log)
    this.#logs.commit()
    // 'auto' on one core forks its one worker: a crash is then replaced, and the queue outlives it.
    if (model.plan.workers === 1) return new SingleFleet(program, model)
    const warning = warnIfTooFewDescriptors(model.plan.connectionsMax)
    if (warning !== '') this.#note('warn', warning)
    const source = this.#source
    return new WorkersFleet({
      program,
      programUrl,
      model,
      source,
      loaded,
      note: (level, message) => this.#logs.errorsLog.note(level, message),
    })
  }

  /** The program, telling the watch which files each load was made of. */
  #watched(program: Program): Program {
    if (this.#options.watch !== true) return program
    const watch = new FileWatch(() => void this.reload())
    this.#undo.push(() => watch.close())
    return {
      createServer: (config, options) => program.createServer(config, options),
      async loadConfig(path) {
        const loaded = await program.loadConfig(path)
        watch.set(loaded.files.length === 0 ? [path] : loaded.files)
        return loaded
      },
    }
  }

  #sayStarted(fleet: Fleet): void {
    const { version, configPath } = this.#options
    const name = version === undefined ? 'headgate' : 'headgate ' + version
    const workers = fleet instanceof SingleFleet ? 'in one process' : `with ${fleet.serving} workers`
    const config = configPath === undefined ? inFrontOf(fleet.plan) : `, config ${configPath}`
    const how = `pid ${process.pid}; TERM or Ctrl-C drains and ends`
    this.#note('info', `${name} serves on ${fleet.listening.join(', ')} ${workers}${config} (${how})`)
    notifySystemd('READY=1', 'STATUS=serving on ' + fleet.listening.join(', '))
  }

  #note(level: 'info' | 'warn' | 'error', message: string): void {
    this.#logs.errorsLog.note(level, message)
  }

  /** A bug must not look like a start that failed, which a service manager does not repeat. */
  #catchBugs(): void {
    const onBug = (error: unknown): void => {
      this.#note(
        'error',
        'a bug of ours: ' + (error instanceof Error ? (error.stack ?? error.message) : String(error)),
      )
      this.#logs.flushNow()
      process.exit(exitCrashed)
    }
    process.on('uncaughtException', onBug)
    this.#undo.push(() => void process.off('uncaughtException', onBug))
  }

  /** Undoes the start, last step first. */
  async undo(): Promise<void> {
    for (const step of this.#undo.toReversed()) await step()
    this.#undo.length = 0
  }

  #onEndSignal(): void {
    if (this.isEnding) this.stop()
    else this.drain()
  }

  health(): 'ok' | 'starting' | 'draining' {
    if (this.isEnding) return 'draining'
    return this.#isServing && (this.#fleet?.serving ?? 0) > 0 ? 'ok' : 'starting'
  }

  drain(): void {
    if (this.isEnding) return
    this.isEnding = true
    const fleet = this.#fleet
    notifySystemd('STOPPING=1', 'STATUS=draining')
    // While it starts: the start fails, and undoes itself.
    if (!this.#isServing || fleet === null) return void fleet?.stopNow()
    const { drainMs } = fleet.plan
    this.#note('info', `draining for at most ${drainMs} ms; a second signal ends at once`)
    void fleet.drain(drainMs).then(async (reports) => {
      if (this.#isForced) return
      this.#note('info', `drained; ${cutCount(reports)} connections were cut`)
      await allIsSaid()
      await this.#finish(exitOk)
    })
  }

  stop(): void {
    if (this.#isForced) return
    this.isEnding = this.#isForced = true
    this.#note('warn', 'ended at once')
    void this.#finish(exitForced)
  }

  async #finish(code: number): Promise<void> {
    await this.#admin?.close()
    await this.undo()
    this.#end(code)
  }

  async reload(): Promise<ReloadReport> {
    const fleet = this.#fleet
    const hash = fleet?.plan.hash ?? ''
    if (fleet === null || !this.#isServing || this.isEnding)
      return { isTaken: false, hash, reason: 'the server is not serving' }
    if (!('path' in this.#source)) return { isTaken: false, hash, reason: 'there is no file to load again' }
    notifySystemd('RELOADING=1', monotonicMicros())
    const report = await fleet.reload(this.#source)
    if (report.isTaken) await this.#onTaken(fleet)
    else this.#onRefused(report.reason)
    notifySystemd('READY=1')
    return report
  }

  async #onTaken(fleet: Fleet): Promise<void> {
    this.#reloads.ok++
    this.#reloads.takenMs = Date.now()
    this.#reloads.reason = ''
    try {
      this.#logs.prepare(fleet.plan.log)
      this.#logs.commit()
      await this.#moveAdmin(fleet.plan.admin.listen)
    } catch (error) {
      this.#note('error', messageOf(error))
    }
    this.#note(
      'info',
      `config taken (${fleet.plan.hash.slice(0, 12)}), serving on ${fleet.listening.join(', ')}`,
    )
  }

  #onRefused(reason: string): void {
    this.#reloads.refused++
    this.#reloads.reason = reason
    this.#note('error', 'config refused, the old one goes on: ' + inOneLine(reason))
  }

  async #moveAdmin(listen: string): Promise<void> {
    if (listen === this.#adminListen) return
    const old = this.#admin
    this.#admin = null
    this.#adminListen = ''
    // A reload that comes through the old listener is still to be answered on it.
    if (old !== null) setImmediate(() => void old.close())
    if (listen === '') return
    const admin = new AdminServer(this)
    await admin.listen(listen)
    this.#admin = admin
    this.#adminListen = listen
  }

  async reopenLogs(): Promise<void> {
    await Promise.all([this.#logs.reopen(), this.#fleet?.reopenLogs()])
    this.#note('info', 'logs reopened')
  }

  async #reopenOnSignal(): Promise<void> {
    try {
      await this.reopenLogs()
    } catch (error) {
      this.#note('error', 'logs not reopened: ' + messageOf(error))
    }
  }

  async explain(request: RequestToExplain): Promise<readonly ExplainedBy[]> {
    return (await this.#fleet?.explain(request)) ?? []
  }

  async warm(order: WarmOrder): Promise<readonly WarmProgress[]> {
    return (await this.#fleet?.warm(order)) ?? []
  }

  async purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    return (await this.#fleet?.purge(requests)) ?? sumOf([])
  }

  async purgeTotal(id: string): Promise<PurgeTotal | null> {
    return (await this.#fleet?.purgeTotal(id)) ?? null
  }

  async certificates(): Promise<CertificateReport> {
    return (await this.#fleet?.certificates()) ?? mostKnowing([])
  }

  async renewCertificates(names: readonly string[]): Promise<readonly string[]> {
    return (await this.#fleet?.renewCertificates(names)) ?? []
  }

  async metrics(): Promise<MetricsSnapshot> {
    const snapshot = (await this.#fleet?.metrics()) ?? {}
    const { ok, refused, takenMs, reason } = this.#reloads
    setSample(snapshot, Metric.RELOADS, labelText('result', 'ok'), ok)
    setSample(snapshot, Metric.RELOADS, labelText('result', 'refused'), refused)
    setSample(snapshot, Metric.RELOAD_STATE, '', reason === '' ? 1 : 0)
    setSample(snapshot, Metric.RELOAD_SUCCESS, '', takenMs / 1000)
    setSample(snapshot, Metric.DRAINING, '', this.isEnding ? 1 : 0)
    const version = this.#options.version ?? ''
    setSample(snapshot, Metric.BUILD, labelText('version', version, 'node', process.version), 1)
    return snapshot
  }

  async status(): Promise<object> {
    const fleet = this.#fleet
    const uptimeMs = Date.now() - this.#startedMs
    return {
      version: this.#options.version ?? '',
      node: process.version,
      pid: process.pid,
      health: this.health(),
      uptimeMs,
      config: this.#options.configPath ?? '',
      planHash: fleet?.plan.hash ?? '',
      listening: fleet?.listening ?? [],
      reloads: this.#reloads,
      ...(await fleet?.status()),
    }
  }
}

/** For a log: what is wrong and where, without the lines of the file that people are shown. */
function inOneLine(reason: string): string {
  const lines = reason.split('\n').filter((line) => !/^ *\d* \| /.test(line))
  return lines.join('; ')
}

/** Over all workers; one that died says nothing. */
function cutCount(reports: readonly unknown[]): number {
  let count = 0
  for (const report of reports) count += (report as { cutCount?: number } | null | undefined)?.cutCount ?? 0
  return count
}

/** Without a file of a config to look into; '' when there is nobody behind. */
function inFrontOf({ origins }: Plan): string {
  const servers = [...origins.values()].flatMap(({ options }) => options.servers.map(({ url }) => url))
  return servers.length === 0 ? '' : `, in front of ${servers.join(', ')}`
}
