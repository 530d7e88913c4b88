/**
 * `--watch`: reports that the content of the config's files has changed. It watches folders rather than files,
 * because editors write a new file and rename it, and Kubernetes swaps a link; and it compares contents, because one
 * save makes several events and touching a file changes nothing.
 */
import { createHash } from 'node:crypto'
import { readFileSync, watch, type FSWatcher } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Long enough for editors, which write in several steps. */
const quietMs = 200

export class FileWatch {
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  #files: readonly string[] = []
  #known = ''
  #timer: NodeJS.Timeout | null = null

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Watches these files from their present content on. A folder that cannot be watched is left out. */
  set(files: readonly string[]): void {
    this.#files = files.map((file) => resolve(file))
    this.#known = this.#hash()
    const folders = new Set(this.#files.map((file) => dirname(file)))
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#add(folder)
  }

  #add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => this.#wait(folder, name))
      watcher.on('error', () => {})
      this.#watchers.set(folder, watcher)
    } catch {
      // The folder is not there, or there are too many watches: the other files are still watched, and HUP
      // still reloads.
    }
  }

  /** Waits for quiet. Logs in the same folder change all the time, so only our own files restart the wait. */
  #wait(folder: string, name: string | null): void {
    if (this.#timer !== null) {
      if (name === null || !this.#files.includes(join(folder, name))) return
      clearTimeout(this.#timer)
    }
    this.#timer = setTimeout(() => {
      this.#timer = null
      const now = this.#hash()
      // It is '' while a file is being replaced: the event of its return follows.
      if (now === '' || now === this.#known) return
      this.#known = now
      this.#onChange()
    }, quietMs)
  }

  /** '' when a file cannot be read. */
  #hash(): string {
    const hash = createHash('sha256')
    try {
      for (const file of this.#files) hash.update(readFileSync(file)).update('\0')
      return hash.digest('hex')
    } catch {
      return ''
    }
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }
}
