/**
 * Journal: the purges that concern what is on disk, in a file that all workers append to and read.
 *
 * Promises:
 * - A position in it orders everything. A stored file records the position up to which its writer had read the
 *   journal and knew it to be durable (`synced`): no earlier purge that came after the origin was asked concerns it;
 *   later ones do.
 * - `append` resolves when its purges survive a loss of power; by then every worker that looks (`isCurrent`) sees
 *   them.
 * - It is bounded: when it has grown, the elected worker rewrites it with what still counts (`rewrite`).
 *
 * A position is the number of a journal file and an offset in it. A file ends with a line that says so, and from then
 * on its writers go on in the next one; whatever they wrote after that line they write again.
 */
import { codeOf, type Disk, type DiskFile } from './disk.ts'
import { readLines, writeLine, type JournalLine, type PurgeLine, type ReadLines } from './journal-lines.ts'
import type { Marks } from './marks.ts'

/** The offsets in one file are less than this. */
const fileSpan = 2 ** 32
const prefix = 'purges.'
/** How many bytes are read at a time. */
const readBytes = 256 * 1024
/** How often something that seems damaged is read again. */
const readsMax = 4
/** How many purges are recognised by their id: so many are under way at most, at about 100 bytes each. */
const idsMax = 20_000

export type Appended = Pick<PurgeLine, 'target' | 'isSoft' | 'id'>

interface Queued {
  readonly line: PurgeLine
  readonly onNoted: () => void
}

export interface JournalOptions {
  readonly disk: Disk
  readonly root: string
  readonly marks: Marks
  /** The mark of this process while it lives, by which it recognises what it appended. */
  readonly writer: string
  /** No other process uses the folder. */
  readonly isAlone: boolean
  /** Called for a purge that another process wrote, before `known` moves past it. */
  readonly onForeign: (line: PurgeLine) => void
}

export class Journal {
  /** Everything before it has been read. */
  known = 0
  /** Everything before it is known, and survives a loss of power. */
  synced = 0
  /** Every file has been compared with the purges before it, and they are forgotten. */
  sweptAt = 0
  readonly #options: JournalOptions
  #file: DiskFile | null = null
  #fileNumber = 0
  /** Offset up to which the file was read. */
  #read = 0
  /** The open file has ended, and another continues it. */
  #hasEnded = false
  /** Files that were read to their end. */
  readonly #ended = new Set<number>()
  #lastNumber = 0
  /** Our own lines up to this number may be missing. */
  #lostTo = 0
  /** The number of our last line that was read back. */
  #seen = 0
  #work: Promise<void> = Promise.resolve()
  #waiting = 0
  #queue: Queued[] = []
  /**
   * The ids of purges that were read: another process's line about the same purge is the same purge, and counts
   * where it first appeared.
   */
  readonly #ids = new Set<string>()

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /**
   * Reads the journal, or makes one where there is none. Rejects when it cannot be read: nothing may be served
   * then.
   */
  open(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#open()
      } catch (error) {
        // A purge appended to a file that is not the last one would count as older than it is.
        this.#file?.close()
        this.#file = null
        throw error
      }
    })
  }

  async #open(): Promise<void> {
    let numbers = await this.#numbers()
    if (numbers.length === 0) {
      await this.#make(1, [])
      numbers = await this.#numbers()
    } else {
      // Whoever made it may have died before its name was durable.
      await this.#options.disk.syncFolder(this.#options.root)
    }
    // More than one: its writer broke off. All count, and the last one goes on.
    for (const [i, number] of numbers.entries()) await this.#enter(number, i + 1 < numbers.length)
    // The remains of a broken write are closed off, so that nothing seems to be under way.
    if (this.#opened.size() !== this.#read) await this.#opened.append(Buffer.from('\n'))
    await this.#readOn()
    await this.#sync()
  }

  async #numbers(): Promise<number[]> {
    const names = await this.#options.disk.list(this.#options.root)
    return names
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b)
  }

  #pathOf(number: number): string {
    return this.#options.root + '/' + prefix + number
  }

  /** Makes a file with these lines. False: another process has made the file of this number. */
  async #make(number: number, lines: readonly JournalLine[]): Promise<boolean> {
    const { disk, root, writer } = this.#options
    const draft = root + '/draft.' + prefix + writer
    await disk.remove(draft).catch(() => {})
    const file = await disk.create(draft)
    try {
      await file.write(Buffer.from(lines.map(writeLine).join('') + '\n'), 0)
      await file.sync()
    } finally {
      file.close()
    }
    let isOurs = true
    await disk.link(draft, this.#pathOf(number)).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
      isOurs = false
    })
    await disk.syncFolder(root)
    await disk.remove(draft)
    return isOurs
  }

  /**
   * Reads a file from its beginning, and stays with it. `isPast`: another one continues it, so its end is
   * ensured.
   */
  async #enter(number: number, isPast: boolean): Promise<void> {
    const file = await this.#options.disk.openLog(this.#pathOf(number))
    this.#file?.close()
    this.#file = file
    this.#fileNumber = number
    this.#read = 0
    this.#hasEnded = false
    const hasEnded = await this.#readOn()
    if (!isPast || hasEnded) return
    await this.#file.append(Buffer.from(writeLine({ kind: 'end' })))
    await this.#file.sync()
    await this.#readOn()
  }

  // Reading

  /** Has everything been read that anybody has appended? This takes a microsecond. */
  get isCurrent(): boolean {
    const file = this.#file
    if (this.#waiting > 0 || file === null || this.#hasEnded) return false
    return this.#options.isAlone || sizeNow(file) === this.#read
  }

  /** Reads what was appended meanwhile. Rejects when it cannot. */
  catchUp(): Promise<void> {
    return this.#inTurn(() => this.#follow())
  }

  async #follow(): Promise<void> {
    while (await this.#readOn()) {
      const latest = (await this.#numbers()).at(-1) ?? 0
      // The line that ends it comes after the next file is there.
      if (latest <= this.#fileNumber) throw new Error('the journal of purges ends, and no other goes on')
      await this.#enter(latest, false)
    }
  }

  /** Returns true when it came to the end of this file and another one continues it. */
  async #readOn(): Promise<boolean> {
    if (this.#hasEnded) return true
    for (let length = readBytes; this.#read < this.#opened.size();) {
      const { lines, end } = await this.#readLines(length)
      for (const { line, end: lineEnd } of lines) {
        if (line.kind === 'end') {
          this.#ended.add(this.#fileNumber)
          this.#hasEnded = true
          this.#read = lineEnd
          return true
        }
        this.#take(line, this.#fileNumber * fileSpan + lineEnd)
      }
      // A line that is not complete yet, or longer than what is read at a time.
      if (end === this.#read && this.#read + length >= this.#opened.size()) break
      length = end === this.#read ? length * 2 : readBytes
      this.#read = end
    }
    this.known = Math.max(this.known, this.#fileNumber * fileSpan + this.#read)
    return false
  }

  /** The damage may have happened on the way only, and a purge must not be lost by that. */
  async #readLines(length: number): Promise<ReadLines> {
    let read: ReadLines | null = null
    for (let tries = 0; tries < readsMax && (read === null || read.damaged > 0); tries++) {
      const bytes = Buffer.allocUnsafe(Math.min(length, this.#opened.size() - this.#read))
      const count = await this.#opened.read(bytes, this.#read)
      const again = readLines(bytes.subarray(0, count), this.#read)
      if (read === null || again.damaged < read.damaged) read = again
    }
    return read as ReadLines
  }

  get #opened(): DiskFile {
    if (this.#file === null) throw new Error('the journal of purges is not open')
    return this.#file
  }

  #take(line: JournalLine, position: number): void {
    const { marks, writer, onForeign } = this.#options
    if (line.kind === 'swept') {
      this.sweptAt = Math.max(this.sweptAt, line.at)
      marks.forget(line.at)
    }
    if (line.kind !== 'purge') return
    if (!this.#isKnown(line.id)) marks.apply(line.target, line.isSoft, line.at === 0 ? position : line.at)
    if (line.writer === writer) this.#seen = Math.max(this.#seen, line.number)
    else if (line.at === 0 || line.at > this.known) onForeign(line)
  }

  /** Has a purge of this id been read? From now on it counts as read. */
  #isKnown(id: string): boolean {
    if (id === '') return false
    if (this.#ids.has(id)) return true
    this.#ids.add(id)
    if (this.#ids.size > idsMax) {
      // A Set iterates in the order of insertion.
      const [oldest = ''] = this.#ids
      this.#ids.delete(oldest)
    }
    return false
  }

  // Writing

  /** A position behind everything that has been appended so far, also by others. */
  get endAt(): number {
    return this.#fileNumber * fileSpan + (this.#file?.size() ?? 0) + 1
  }

  /**
   * Resolves when these purges are durably in the journal. Rejects when that cannot be ensured. The purges of
   * one turn are written and synced together; one that another process has written already is only synced.
   * `onNoted` is called when whoever looks sees them.
   */
  append(purges: readonly Appended[], onNoted: () => void = () => {}): Promise<void> {
    const { writer } = this.#options
    for (const { target, isSoft, id } of purges) {
      const line: PurgeLine = { kind: 'purge', target, isSoft, id, writer, number: ++this.#lastNumber, at: 0 }
      this.#queue.push({ line, onNoted: purges.at(-1)?.id === id ? onNoted : () => {} })
    }
    const number = this.#lastNumber
    return this.#inTurn(async () => {
      await this.#flush()
      // It was written together with an earlier one, which failed.
      if (number <= this.#lostTo) throw new Error('the journal of purges could not be written')
    })
  }

  async #flush(): Promise<void> {
    const queued = this.#queue
    const last = queued.at(-1)
    if (last === undefined) return
    this.#queue = []
    try {
      await this.#follow()
      await this.#write(queued.map(({ line }) => line).filter(({ id }) => id === '' || !this.#ids.has(id)))
      for (const { onNoted } of queued) onNoted()
      await this.#sync()
    } catch (error) {
      this.#lostTo = last.line.number
      throw error
    }
  }

  async #write(lines: readonly PurgeLine[]): Promise<void> {
    const lastNumber = lines.at(-1)?.number ?? 0
    const text = Buffer.from(lines.map(writeLine).join(''))
    // They are written again if the file ended before them.
    for (let tries = 0; this.#seen < lastNumber && tries < 5; tries++) {
      await this.#follow()
      await this.#opened.append(text)
      await this.#follow()
    }
    if (this.#seen < lastNumber) throw new Error('the journal of purges cannot be written')
  }

  async #sync(): Promise<void> {
    const { known } = this
    await this.#opened.sync()
    this.synced = known
  }

  /** Every file has been compared with the marks up to `at`. */
  noteSwept(at: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#opened.append(Buffer.from(writeLine({ kind: 'swept', at })))
      await this.#follow()
    })
  }

  /** The size of the file. */
  get bytes(): number {
    return this.#file?.size() ?? 0
  }

  /** Continues in a new file that holds only what still counts. Only one process may do this at a time. */
  rewrite(): Promise<void> {
    return this.#inTurn(async () => {
      const { disk, root, marks } = this.#options
      await this.#follow()
      // A file that was made and never used, by a process that died, is skipped.
      const next = ((await this.#numbers()).at(-1) ?? 0) + 1
      const swept = { kind: 'swept', at: this.sweptAt } as const
      // While the file is made others go on writing, and purges of this worker mark what they will write.
      const before = marks.latestAt
      const lines = [swept, ...marks.list().map((mark) => this.#lineOf(mark))]
      if (!(await this.#make(next, lines))) throw new Error('the journal of purges is being written anew')
      const file = this.#opened
      await file.append(Buffer.from(writeLine({ kind: 'end' })))
      await file.sync()
      // What was written meanwhile is not in the new file yet: it becomes part of the marks here.
      await this.#readOn()
      await this.#enter(next, false)
      if (marks.latestAt > before) {
        const late = marks.list().filter(({ at }) => at > before && at < next * fileSpan)
        await this.#opened.append(Buffer.from(late.map((mark) => writeLine(this.#lineOf(mark))).join('')))
        await this.#readOn()
      }
      await this.#sync()
      for (const number of this.#ended) await disk.remove(this.#pathOf(number)).catch(() => {})
      this.#ended.clear()
      await disk.syncFolder(root)
    })
  }

  #lineOf({ target, isSoft, at }: ReturnType<Marks['list']>[number]): PurgeLine {
    return { kind: 'purge', target, isSoft, id: '', writer: this.#options.writer, number: 0, at }
  }

  /** One task at a time; a failed one does not keep the next from being tried. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#waiting++
    const done = this.#work.then(work)
    this.#work = done.then(
      () => void this.#waiting--,
      () => void this.#waiting--,
    )
    return done
  }

  /** Resolves when nothing more is written to it. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.#file?.close()
      this.#file = null
    }).catch(() => {})
  }
}

/** -1: not even the size can be read, as of a file system that was shut down or a stale handle. */
function sizeNow(file: DiskFile): number {
  try {
    return file.size()
  } catch {
    return -1
  }
}
