/**
 * Programs under measurement: started on one core, watched through /proc, ended by pid. Linux only.
 *
 * Promises: CPU time and memory are those of a program and all of its descendants; `stop` ends what was started and
 * nothing else.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly folder?: string
}

/** CPU time used, in seconds. */
export interface CpuTime {
  readonly user: number
  readonly system: number
}

/** Ticks of /proc/PID/stat a second: Linux has reported 100 on every platform since 2.6. */
const ticksPerSecond = 100

/** For nginx started by root: its workers must be able to read folders that only root may. */
export const nginxUserLine: string = process.getuid?.() === 0 ? 'user root;' : ''

/** A port that was free a moment ago: programs that cannot say which port they got need one named. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export class Program {
  readonly name: string
  readonly #child: ChildProcess
  readonly #logPath: string

  private constructor(name: string, child: ChildProcess, logPath: string) {
    this.name = name
    this.#child = child
    this.#logPath = logPath
  }

  /** Starts `command` on one core; its output goes to `logPath`. */
  static start(name: string, command: Command, core: number, logPath: string): Program {
    const log = openSync(logPath, 'a')
    const child = spawn('taskset', ['-c', String(core), command.program, ...command.args], {
      cwd: command.folder,
      env: { ...process.env, ...command.env },
      stdio: ['ignore', log, log],
    })
    return new Program(name, child, logPath)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when something accepts connections on `port`; rejects with the program's last words. */
  async listening(port: number, timeoutMs = 15_000): Promise<void> {
    const endMs = performance.now() + timeoutMs
    while (!(await canConnect(port))) {
      if (this.#child.exitCode !== null || performance.now() > endMs) {
        const words = readFileSync(this.#logPath, 'utf8').slice(-2000)
        throw new Error(`${this.name} does not listen (exit ${this.#child.exitCode ?? 'none'}): ${words}`)
      }
      await sleep(50)
    }
  }

  /** TERM, and KILL after two seconds, to it and to the descendants that outlive it. */
  async stop(): Promise<void> {
    const pids = descendants(this.pid)
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM')
      await Promise.race([gone, sleep(2000)])
    }
    for (const pid of pids) if (isAlive(pid)) kill(pid)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went by itself between the look and the signal.
  }
}

function isAlive(pid: number): boolean {
  return readProc(`/proc/${pid}/stat`) !== ''
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The fields of /proc/PID/stat after the name, which may hold spaces; [0] is the state, [1] the parent. */
function statFields(pid: number): string[] {
  const text = readProc(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** `pid` and all processes that it or its children started. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(statFields(Number(name))[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [pid]
  for (const one of found) found.push(...(children.get(one) ?? []))
  return found
}

/** CPU time of a process and its descendants so far. */
export function cpuTime(pid: number): CpuTime {
  let user = 0
  let system = 0
  for (const one of descendants(pid)) {
    const fields = statFields(one)
    user += Number(fields[11] ?? 0)
    system += Number(fields[12] ?? 0)
  }
  return { user: user / ticksPerSecond, system: system / ticksPerSecond }
}

/**
 * Memory of a process and its descendants in bytes: proportional set size, so that pages that a master and its workers
 * share are counted once; resident size where the kernel does not tell the former.
 */
export function memoryBytes(pid: number): number {
  let kilobytes = 0
  for (const one of descendants(pid)) {
    const rollup = readProc(`/proc/${one}/smaps_rollup`)
    const text = rollup === '' ? readProc(`/proc/${one}/status`) : rollup
    const match = /^(?:Pss|VmRSS):\s+(\d+) kB/m.exec(text)
    kilobytes += Number(match?.[1] ?? 0)
  }
  return kilobytes * 1024
}

/** Resident memory of one process in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`))
  return Number(match?.[1] ?? 0) * 1024
}
