/** Load by wrk: one thread, pinned; what it says, as numbers. */
import { spawn } from 'node:child_process'
import { findProgram } from '../test/programs.ts'

export interface WrkResult {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Connections or answers that failed, and answers that were not 2xx or 3xx. */
  readonly errors: number
}

export interface WrkLoad {
  readonly url: string
  readonly seconds: number
  readonly connections: number
  readonly fields: readonly string[]
  readonly core: number
}

const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

function milliseconds(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s|m)$/.exec(text ?? '')
  return Number(match?.[1] ?? NaN) * (unitMs[match?.[2] ?? ''] ?? NaN)
}

/** Reads what `wrk --latency` prints. */
export function parseWrk(text: string): WrkResult {
  const total = /(\d+) requests in ([\d.]+(?:us|ms|s|m))/.exec(text)
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  const errors = socketErrors === null ? 0 : socketErrors.slice(1).reduce((sum, one) => sum + Number(one), 0)
  return {
    requests: Number(total?.[1] ?? 0),
    seconds: milliseconds(total?.[2]) / 1000,
    p50: milliseconds(/\s50%\s+(\S+)/.exec(text)?.[1]),
    p99: milliseconds(/\s99%\s+(\S+)/.exec(text)?.[1]),
    errors: errors + Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0),
  }
}

export async function runWrk(load: WrkLoad): Promise<WrkResult> {
  const fields = load.fields.flatMap((field) => ['-H', field])
  const shape = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '10s', '--latency']
  const args = ['-c', String(load.core), findProgram('wrk'), ...shape, ...fields, load.url]
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8')
  for await (const part of child.stdout) text += String(part)
  return parseWrk(text)
}
