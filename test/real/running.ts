/** Programs that stay while a test runs, and are there when their port answers. */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { findProgram } from '../programs.ts'
import { until } from './supervised.ts'

export async function running(
  t: TestContext,
  name: string,
  args: readonly string[],
  port: number,
): Promise<void> {
  const child = spawn(findProgram(name), args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  t.after(async () => {
    child.kill('SIGTERM')
    await gone
  })
  await until(`${name} to listen`, () => isListening(port))
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
