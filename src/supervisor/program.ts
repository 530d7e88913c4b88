/**
 * What the supervisor runs: a server made from a config. It is an interface so that the tests of the supervisor can
 * run real processes around a server of a few lines.
 */
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
 * supervisor has loaded, for a worker that replaces another while the file may have changed.
 */
export type ConfigSource =
  | { readonly path: string }
  | { readonly document: object }
  | { readonly loaded: object }

export interface RunningServerOptions {
  readonly peers?: Peers
  /** Where workers share what they cache, if the config does not say. */
  readonly shared?: DiskSettings
  /** Other processes write the same logs. */
  readonly isShared?: boolean
  /** Of several processes this one serves UDP. */
  readonly servesUdp?: boolean
  /** Listeners that are open already, whose names stay. */
  readonly openListeners?: readonly ListenerPlan[]
}

/** What a runner needs of a HeadgateServer. */
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
  /** Of this process; left out: it has no cache. */
  purge?(requests: readonly PurgeRequest[]): Promise<PurgeTotal>
  /** What has been counted of an earlier one until now; null: it is not remembered. */
  purgeTotal?(id: string): PurgeTotal | null
  /** Left out: it has no certificates by itself. */
  certificates?(): CertificateReport
  /** Has these renewed, or all when none is named; gives those that this process orders. */
  renewCertificates?(names: readonly string[]): readonly string[]
  snapshot(): MetricsSnapshot
  status(): object
}

export interface Program {
  createServer(config: object, options?: RunningServerOptions): Promise<RunningServer>
  /** `files`: all that the config is made of, to be watched. What is wrong with it is told by `createServer`. */
  loadConfig(path: string): Promise<{ readonly files: readonly string[] }>
}

/** Loads the program from a module that exports `createServer` and `loadConfig`. */
export async function loadProgram(moduleUrl: string): Promise<Program> {
  setEngineFlags()
  return (await import(moduleUrl)) as Program
}

/** This directory's file of that name, as source or as built. */
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
 * A replacement gets what was loaded, since the file may be another one by now; where that holds what cannot be copied,
 * it reads the file again. The text of the config stays here: it is for messages.
 */
export function sourceOf(source: ConfigSource, loaded: object): ConfigSource {
  if (!('path' in source)) return source
  try {
    return { loaded: structuredClone({ ...loaded, source: {} }) }
  } catch {
    return source
  }
}
