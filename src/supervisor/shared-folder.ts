/**
 * SharedFolder: a folder in memory (a tmpfs) through which the workers share their cache when the config names no
 * folder on disk. It is made when the first worker needs it, under a name that nobody can guess, and goes with the
 * process. What a killed process left behind is removed when the next one starts.
 */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, readdirSync, readlinkSync, rmSync, statfsSync } from 'node:fs'
import type { DiskSettings } from '../cache/disk/options.ts'

/** On Linux a tmpfs, which the C library itself asks for. */
const parent = '/dev/shm'
const prefix = 'headgate-'
/** The share that we use of the file system, which others use too; containers often have 64 MiB of it. */
const share = 1 / 2

export class SharedFolder {
  readonly path: string
  /** The most bytes that it may hold. */
  readonly bytesMax: number

  constructor(path: string, bytesMax: number) {
    this.path = path
    this.bytesMax = bytesMax
  }

  /** The settings that workers are given. */
  get settings(): DiskSettings {
    const { path, bytesMax } = this
    return { path, bytesMax }
  }

  /** The folder, if this machine has a place for one; null if not. */
  static find(): SharedFolder | null {
    try {
      accessSync(parent, constants.W_OK | constants.X_OK)
      const { blocks, bsize } = statfsSync(parent)
      removeLeft()
      const name = `${prefix}${namespace()}-${process.pid}-${randomBytes(9).toString('hex')}`
      return new SharedFolder(`${parent}/${name}`, Math.floor(blocks * bsize * share))
    } catch {
      return null
    }
  }

  remove(): void {
    try {
      rmSync(this.path, { recursive: true, force: true })
    } catch {
      // What could not be removed is removed by the next start.
    }
  }
}

/** The namespace that process ids belong to, since containers may share the parent folder. */
function namespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''
}

/** Removes what dead processes left behind. What belongs to other users cannot be removed. */
function removeLeft(): void {
  const own = `${prefix}${namespace()}-`
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(own) ? Number(name.slice(own.length).split('-', 1)[0]) : 0
    if (pid > 0 && !isAlive(pid)) new SharedFolder(`${parent}/${name}`, 0).remove()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
