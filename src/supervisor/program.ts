/**
 * What the supervisor runs: a server made from a config. It is an interface so that the tests of the supervisor can
 * run real processes around a server of a few lines.
 */
import { flushCompileCache } from 'node:module'
import type * as net from 'node:net'
import type { RequestToExplain } from '../admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../admin/warm-body.ts'
import type { DiskSettings } from '../cache/disk/options.ts'
import type { PurgeTotal } from '../cache/purge/purge-total.ts'
import type { PurgeRequest } from '../cache/store/store.ts'
import type { MetricsSnapshot } from '../engine/metrics.ts'
import type { ListenerPlan, Plan } from '../engine/plan.ts'
import type { Peers } from '../core/peers.ts'
import type { CertificateReport } from '../tls/acme/certificate-status.ts'
import { setEngineFlags } from './engine-flags.ts'

/**
 * Where a config comes from: a file that each worker reads by itself; a document made by a command; or what the
 * supervisor has loaded, for a worker that replaces another when the file may have changed meanwhile.
 */
export type ConfigSource =
  | { readonly path: string }
  | { readonly document: object }
  | { readonly loaded: object }

export interface RunningServerOptions {
  readonly peers?: Peers
  /** Where the workers share their cache if the config does not say. */
  readonly shared?: DiskSettings
  /** Other processes write the same logs. */
  readonly isShared?: boolean
  /** This one of several processes serves UDP. */
  readonly servesUdp?: boolean
  /** Listeners that are open already and keep their names. */
  readonly openListeners?: readonly ListenerPlan[]
}

/** What a runner needs from a HeadgateServer. */
export interface RunningServer {
  readonly plan: Plan
  readonly addresses: readonly {
    readonly name: string
    readonly host: string
    readonly port: number
    readonly path: string
  }[]
  listen(): Promise<void>
  adopt(name: string, handle: net.Server): void | Promise<void>
  prepare(config: object): Promise<{ readonly hash: string }>
  commit(): void
  discard(): void
  close(options?: { readonly drainMs?: number }): Promise<unknown>
  stopNow(): void
  reopenLogs(): Promise<void>
  explain?(request: RequestToExplain): object
  warm?(order: WarmOrder): WarmProgress
  /** Purges the cache of this process; absent: it has none. */
  purge?(requests: readonly PurgeRequest[]): Promise<PurgeTotal>
  /** The count of an earlier purge so far; null when that purge is not remembered. */
  purgeTotal?(id: string): PurgeTotal | null
  /** The state of the automatic certificates; absent: there are none. */
  certificates?(): CertificateReport
  /**
   * Renews the certificates of these names, or of all when none is given; returns the names that this process
   * orders.
   */
  renewCertificates?(names: readonly string[]): readonly string[]
  snapshot(): MetricsSnapshot
  status(): object
}

export interface Program {
  createServer(config: object, options?: RunningServerOptions): Promise<RunningServer>
  /**
   * Loads a config. `files` are all the files that it is made of, to be watched. What is wrong with it is
   * reported by `createServer`.
   */
  loadConfig(path: string): Promise<{ readonly files: readonly string[] }>
}

/** Loads the program from a module that exports `createServer` and `loadConfig`. */
export async function loadProgram(moduleUrl: string): Promise<Program> {
  const program = (await import(moduleUrl)) as Program
  // V8 accepts a compile cache only with the flags that it was written with, and other processes load before they set theirs.
  // Writing a new one takes half a second, once.
  flushCompileCache()
  setEngineFlags()
  return program
}

/** The file of that name in this folder, as source or as built. */
export function siblingUrl(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(name + extension, import.meta.url).href
}

/** Reads a source. Throws an Error whose message is for people. */
export async function readSource(program: Program, source: ConfigSource): Promise<object> {
  if ('path' in source) return program.loadConfig(source.path)
  return 'document' in source ? source.document : source.loaded
}

/**
 * What a replacement worker is given: the loaded config, since the file may have changed by now; where it holds
 * what cannot be copied, the worker reads the file again. The text of the config stays here: it is only for
 * messages.
 */
export function sourceOf(source: ConfigSource, loaded: object): ConfigSource {
  if (!('path' in source)) return source
  try {
    return { loaded: structuredClone({ ...loaded, source: {} }) }
  } catch {
    return source
  }
}
