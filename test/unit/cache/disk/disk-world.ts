/** A cache over a disk in memory that does what it is told. */
import { DiskStore } from '../../../../src/cache/disk/disk-store.ts'
import type { Entry } from '../../../../src/cache/store/entry.ts'
import { SharedCache } from '../../../../src/cache/shared-cache.ts'
import { Timers } from '../../../../src/core/timers.ts'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'
import { ManualClock } from '../../../story/manual-clock.ts'
import { plainKeys, requestFor } from '../store-world.ts'

export const root = '/cache'

export class DiskWorld {
  readonly clock: ManualClock = new ManualClock()
  readonly disk: SimDisk
  readonly warnings: string[] = []
  readonly bytesMax: number
  cache: SharedCache

  constructor(bytesMax = 100_000_000, disk: SimDisk = new SimDisk({ random: new Random(7) })) {
    this.disk = disk
    this.bytesMax = bytesMax
    this.cache = this.#make()
  }

  #make(): SharedCache {
    const { clock } = this
    const settings = { bytesMax: 8_000_000, entryBytesMax: 0, whenDeserted: 'auto' } as const
    return new SharedCache({
      clock,
      timers: new Timers(clock),
      settings: { ...settings, disk: { path: root, bytesMax: this.bytesMax } },
      peers: null,
      disk: this.disk,
      warn: (sentence) => void this.warnings.push(sentence),
    })
  }

  get store(): DiskStore {
    if (this.cache.disk === null) throw new Error('there is no disk')
    return this.cache.disk
  }

  /** Lets everything happen that is under way. */
  async settle(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      this.clock.advance(5)
      if (i > 5 && this.disk.underWay === 0 && (this.cache.disk?.snapshot().queued ?? 0) === 0) return
    }
  }

  /** Another process over the same disk. `atOnce`: is called when it has begun and has not opened its folder yet. */
  async restart(isPowerLost = false, atOnce: () => void = () => {}): Promise<void> {
    const before = this.cache
    if (isPowerLost) this.disk.losePower()
    before.close()
    await this.settle()
    this.cache = this.#make()
    atOnce()
    await this.settle()
  }

  /** What the disk has, whatever is in memory. */
  async find(url: string, fields: Readonly<Record<string, string>> = {}): Promise<Entry | null> {
    const request = requestFor(url, fields)
    const found = this.store.find({ key: plainKeys.of(request), request, folding: null, from: 1 })
    await this.settle()
    return found
  }

  /** The same, read while everybody waits. */
  findNow(url: string, fields: Readonly<Record<string, string>> = {}): Entry | null | undefined {
    const request = requestFor(url, fields)
    return this.store.findNow({ key: plainKeys.of(request), request, folding: null, from: 1 })
  }

  /** Files of answers. */
  files(): string[] {
    return this.disk.paths().filter((path) => /^\/cache\/[0-9a-f]{2}\//.test(path))
  }
}
