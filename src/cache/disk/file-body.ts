/**
 * FileBody: the body of a large answer on disk, kept while somebody reads it and a little longer. If memory has room
 * for it, it becomes a body there once all of it was read.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import { Growth, type GrowthOwner, type Rest } from '../store/growth.ts'
import { MemoryBody } from '../store/memory-body.ts'
import { BlockFile } from './block-file.ts'
import type { DiskFile } from './disk.ts'

/** How long a file that nobody reads stays open: the next part of a film is asked for soon. */
const idleMs = 5000

export interface FileBodyOptions {
  readonly file: DiskFile
  /** Where the body begins in the file. */
  readonly offset: number
  readonly length: number
  /** The checksums of the blocks. */
  readonly table: Buffer
  readonly clock: Clock
  /** How to get the rest when a block cannot be read. */
  readonly rest: Rest | null
  /** Blocks that were read stay in memory, and `onLoaded` is called when all are there. */
  readonly isKept: boolean
  readonly onLoaded: () => void
  /** It is closed because nobody reads it, or because it cannot be read (`isDamaged`). Called once. */
  readonly onClose: (isDamaged: boolean) => void
}

export class FileBody extends BlockFile implements GrowthOwner {
  readonly body: MemoryBody
  readonly growth: Growth
  protected readonly bodyStart: number
  readonly #options: FileBodyOptions
  #idle: ClockTimer | null = null

  constructor(options: FileBodyOptions) {
    super()
    this.#options = options
    this.file = options.file
    this.bodyStart = options.offset
    this.body = MemoryBody.away(options.length, this)
    this.growth = new Growth(this, options.rest)
    this.#rest()
  }

  protected checkOf(index: number): number {
    return this.#options.table.readUInt32LE(index * 4)
  }

  protected override letGo(): void {
    if (!this.#options.isKept) super.letGo()
    else if (this.heldBlocks * 4 === this.#options.table.length) this.#onLoaded()
  }

  protected onUnreadable(): void {
    this.#close(true)
  }

  #onLoaded(): void {
    this.#close(false)
    this.#options.onLoaded()
  }

  #rest(): void {
    this.#idle?.cancel()
    this.#idle = this.#options.clock.after(idleMs, () => {
      if (this.growth.size === 0 && !this.isLoading) this.#close(false)
    })
  }

  onAdvance(): void {}

  onDeserted(): void {
    this.#rest()
  }

  #close(isDamaged: boolean): void {
    if (this.isClosed) return
    this.#idle?.cancel()
    this.closeFile()
    this.#options.onClose(isDamaged)
  }

  /** The store closes: readers get what is in memory, and no more. */
  close(): void {
    this.#close(false)
  }
}
