/** Load by h2load: one thread, pinned, 16 connections with 32 streams each; what it says, as numbers. */
import { spawn } from 'node:child_process'
import { findProgram } from '../test/programs.ts'
import type { WrkResult } from './wrk.ts'

const shape = ['-t1', '-c16', '-m32']

/** Of `h2load -D`: it tells no percentiles. */
export function parseH2load(text: string, seconds: number): WrkResult {
  const [, succeeded = 0, failed = 0] = (/(\d+) succeeded, (\d+) failed/.exec(text) ?? []).map(Number)
  return { requests: succeeded, seconds, p50: NaN, p99: NaN, errors: failed }
}

export async function runH2load(url: string, seconds: number, core: number): Promise<WrkResult> {
  const args = ['-c', String(core), findProgram('h2load'), ...shape, '-D', String(seconds), url]
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8')
  for await (const part of child.stdout) text += String(part)
  return parseH2load(text, seconds)
}
