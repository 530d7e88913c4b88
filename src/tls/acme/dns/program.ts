/**
 * dns-01 by a program of the operator's: `PROGRAM present NAME VALUE` creates a TXT record, `PROGRAM cleanup NAME
 * VALUE` removes it. NAME is '_acme-challenge.example.com.', with its final dot. Exit code 0 says that it is done.
 * (lego's `exec` provider calls programs in the same way, so those that are written for it fit.)
 */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { keyAuthorizationHash, type Answerer } from '../challenge.ts'
import { AcmeError, plain } from '../problem.ts'

/** The API of a DNS provider answers in seconds; a program that hangs is ended. */
export const programMsMax: number = 2 * 60_000
const saidMax = 2000

export interface DnsExecOptions {
  /** The program and its first arguments. */
  readonly command: readonly string[]
  /** The time from the end of `present` until the CA is told: DNS changes take time to be seen everywhere. */
  readonly waitMs: number
}

export function dnsByProgram({ command, waitMs }: DnsExecOptions): Answerer {
  return {
    type: 'dns-01',
    async present({ name, keyAuthorization }, signal) {
      const record = `_acme-challenge.${name}.`
      const value = keyAuthorizationHash(keyAuthorization).toString('base64url')
      await runProgram(command, ['present', record, value], signal)
      if (waitMs > 0) await sleep(waitMs, undefined, { signal })
      // Not with the order's signal: the record is removed even when the order was given up.
      return () => runProgram(command, ['cleanup', record, value], AbortSignal.timeout(programMsMax))
    },
  }
}

async function runProgram(
  command: readonly string[],
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const [program = '', ...first] = command
  const limit = AbortSignal.any([signal, AbortSignal.timeout(programMsMax)])
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let said = ''
  const child = spawn(program, [...first, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: limit,
    killSignal: 'SIGKILL',
  })
  child.stderr.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-saidMax)))
  child.once('error', (error) => {
    const reason = limit.aborted
      ? `it was ended after ${programMsMax / 1000} s, or the order was`
      : error.message
    reject(new AcmeError('unreachable', `${program} ${args[0]} failed: ${reason}`))
  })
  child.once('close', (code) => {
    if (code === 0) return resolve()
    const last = plain(said.slice(-300))
    reject(
      new AcmeError(
        'unreachable',
        `${program} ${args[0]} ended with ${code ?? 'a signal'}: ${last || 'it said nothing'}`,
      ),
    )
  })
  return promise
}
