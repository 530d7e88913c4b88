/**
 * One attempt to get a certificate for a name, under the lock for that name: of several processes or machines with
 * one storage, one orders, and the others take what it stored.
 */
import type { Clock } from '../../core/clock.ts'
import {
  kept,
  stateOf,
  type CertificateRecords,
  type KeptCertificate,
  type RenewalState,
} from './certificate-record.ts'
import type { KeyAndChain } from './issuer.ts'
import type { KeeperEntry } from './keeper-entry.ts'
import { AcmeError, plain } from './problem.ts'
import { failuresAnHourMax, momentOf, orderAgainMs, retryAfter } from './schedule.ts'
import { isAmong } from '../subject-names.ts'
import type { Storage } from './storage.ts'

export interface TurnTools {
  readonly clock: Clock
  readonly storage: Storage
  readonly records: CertificateRecords
  readonly random: () => number
}

export interface TurnResult {
  readonly certificate: KeptCertificate
  readonly state: RenewalState
  /** False: another process had ordered it meanwhile. */
  readonly isOrdered: boolean
  /** Why it could not be stored; '' when it was. It is good all the same. */
  readonly storageError: string
}

/** Rejects when there is no certificate. */
export async function takeTurn(
  entry: KeeperEntry,
  tools: TurnTools,
  signal: AbortSignal,
): Promise<TurnResult> {
  const { storage, records, clock, random } = tools
  const { name, issuer } = entry
  const lock = await storage.lock(`${issuer.folder}/${name.replace(/^\*/, 'wildcard')}`, signal)
  try {
    // A storage that fails now may hold what comes next; and if not, it is served from memory.
    const stored = await records.read(issuer.folder, name).catch(() => null)
    const other = stored?.certificate ?? null
    const isNew = other !== null && other.facts.fingerprint !== entry.certificate?.facts.fingerprint
    if (stored !== null && isNew && stored.state.renewAtMs > clock.wallMs())
      return { certificate: other, state: stored.state, isOrdered: false, storageError: '' }
    const previous = entry.certificate?.facts ?? null
    const issued = await issuer.issue({ name, previous, failures: entry.state.failures, signal })
    const certificate = usable(issued, name)
    const state = {
      ...stateOf(certificate, random()),
      retryAtMs: clock.wallMs() + orderAgainMs(certificate.facts),
    }
    const storageError = await written(async () => {
      await records.writeCertificate(issuer.folder, name, certificate)
      await records.writeState(issuer.folder, name, state)
    })
    return { certificate, state, isOrdered: true, storageError }
  } finally {
    await lock.release()
  }
}

/** Throws when it is of no use: the CA would give the same again, and counts what it gives. */
function usable(issued: KeyAndChain, name: string): KeptCertificate {
  let why = ''
  try {
    const certificate = kept(issued)
    const { names } = certificate.facts
    if (isAmong(names, name)) return certificate
    why = `it is for ${names.join(', ') || 'nobody'}`
  } catch (error) {
    why = error instanceof Error ? error.message : String(error)
  }
  throw new AcmeError('refused', `what the CA sent is of no use: ${plain(why)}`)
}

async function written(write: () => Promise<void>): Promise<string> {
  try {
    await write()
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** State after a try that failed. */
export function stateAfter(error: unknown, state: RenewalState, nowMs: number, random: number): RenewalState {
  const known = error instanceof AcmeError ? error : null
  const kind = known?.kind ?? 'unreachable'
  const failures = state.failures + 1
  const failedAtMs =
    kind === 'failed' ? [...state.failedAtMs, nowMs].slice(-failuresAnHourMax) : state.failedAtMs
  const retryAtMs = nowMs + retryAfter(kind, failures, known?.retryAfterMs ?? 0, random)
  const lastError = error instanceof Error ? error.message : String(error)
  return { ...state, failures, failedAtMs, retryAtMs, lastError }
}

/** State after the CA was asked when to renew; it draws a moment only when the window is another. */
export async function askRenewal(
  entry: KeeperEntry,
  tools: TurnTools,
  signal: AbortSignal,
): Promise<RenewalState> {
  const { state, certificate, issuer } = entry
  const nowMs = tools.clock.wallMs()
  if (certificate === null) return state
  const info = await issuer.renewalInfo(certificate.facts, signal)
  if (info === null) return { ...state, windowAgainMs: certificate.facts.notAfterMs }
  const { window } = info
  const windowAgainMs = nowMs + info.againMs
  if (state.window?.startMs === window.startMs && state.window.endMs === window.endMs)
    return { ...state, windowAgainMs }
  // A moment of long ago is as good as one just after it began to hold, and told from what an older one had.
  const renewAtMs = Math.max(momentOf(window, tools.random()), certificate.facts.notBeforeMs + 1)
  return { ...state, window, windowAgainMs, renewAtMs }
}
