/**
 * LogFile: the descriptor under a LogQueue: a file opened with O_APPEND, or stdout or stderr.
 *
 * A pipe is opened a second time without blocking, where the system allows it (Linux, through /proc): a write to a
 * full pipe would otherwise occupy one of Node's four pool threads until somebody reads, and those threads also look
 * up names. Only our own file description is changed in this way, never the one that we share with whoever started
 * us.
 */
import type * as nodeFs from 'node:fs'
import { constants } from 'node:fs'

export type LogFileSystem = Pick<
  typeof nodeFs,
  'openSync' | 'open' | 'closeSync' | 'close' | 'fstatSync' | 'write' | 'writeSync'
>

/** Readable by the group, as logs are, but not by everybody: lines hold addresses. */
const fileMode = 0o640

export class LogFile {
  readonly isPipe: boolean
  readonly #path: string
  readonly #fs: LogFileSystem
  #fd: number
  #ownsFd: boolean
  /** The descriptor that `open` opened and `swap` takes into use; -1 for none. */
  #next = -1

  constructor(path: string, fd: number, fileSystem: LogFileSystem) {
    this.#path = path
    this.#fs = fileSystem
    this.#ownsFd = path !== ''
    this.#fd = path === '' ? fd : fileSystem.openSync(path, 'a', fileMode)
    this.isPipe = this.#looksLikePipe()
    if (path === '' && this.isPipe) this.#unblock()
  }

  #looksLikePipe(): boolean {
    try {
      const stat = this.#fs.fstatSync(this.#fd)
      return stat.isFIFO() || stat.isSocket()
    } catch {
      return false
    }
  }

  #unblock(): void {
    try {
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK
      this.#fd = this.#fs.openSync('/proc/self/fd/' + this.#fd, flags)
      this.#ownsFd = true
    } catch {
      // It is a socket, has no reader, or there is no /proc: writes go through the descriptor that we were
      // given.
    }
  }

  write(
    batch: Buffer,
    at: number,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void {
    this.#fs.write(this.#fd, batch, at, batch.length - at, null, done)
  }

  /** Returns the bytes written, 0 when it failed. */
  writeNow(batch: Buffer, at: number): number {
    try {
      return this.#fs.writeSync(this.#fd, batch, at, batch.length - at, null)
    } catch {
      return 0
    }
  }

  /** Opens the path again, for `swap` to take into use. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fs.open(this.#path, 'a', fileMode, (error, fd) => {
        if (error !== null) return reject(error)
        if (this.#next !== -1) this.#closeFd(this.#next)
        this.#next = fd
        resolve()
      })
    })
  }

  /** Switches to what `open` opened; false when there is nothing. Must not be called while a write is under way. */
  swap(): boolean {
    if (this.#next === -1) return false
    const old = this.#fd
    this.#fd = this.#next
    this.#next = -1
    this.#closeFd(old)
    return true
  }

  /**
   * `isBusy`: a write has not returned, so the descriptor is left open until the process ends: its number must
   * not be reused.
   */
  close(isBusy: boolean): void {
    if (this.#next !== -1) this.#closeFd(this.#next)
    if (this.#ownsFd && !isBusy) this.#closeFd(this.#fd)
    this.#next = -1
    this.#fd = -1
  }

  #closeFd(fd: number): void {
    this.#fs.close(fd, () => {})
  }
}
