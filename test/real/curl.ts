/** curl as a client of the tests: `const { status, fields, body } = await curl(url, '-r', '0-4')`. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { findProgram } from '../programs.ts'

export interface CurlAnswer {
  /** curl's own exit code; 18 is an answer that was not whole. */
  readonly exit: number
  /** Of the last answer. */
  readonly status: number
  /** The lines of all heads, 1xx included. */
  readonly heads: string
  /** Fields of the last answer, names in lower case. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly text: string
}

/** `input` goes to its standard input. */
export async function curlWith(input: string | Buffer, ...args: readonly string[]): Promise<CurlAnswer> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-curl-'))
  const path = join(folder, 'heads')
  const whole = ['-q', '-sS', '--noproxy', '*', '--max-time', '30', '-D', path, ...args]
  const child = spawn(findProgram('curl'), whole, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)))
  const [body, exit] = await Promise.all([buffer(child.stdout), ended])
  const heads = existsSync(path) ? readFileSync(path, 'latin1') : ''
  rmSync(folder, { recursive: true })
  const last = heads.slice(Math.max(0, heads.lastIndexOf('HTTP/1.')))
  const fields = new Map<string, string>()
  for (const line of last.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(last)?.[1] ?? 0)
  return { exit, status, heads, fields, body, text: body.toString('latin1') }
}

export function curl(...args: readonly string[]): Promise<CurlAnswer> {
  return curlWith('', ...args)
}
