/** The store in memory keeps its promises with a disk beneath it, also with one that fails. */
import { DiskStore } from '../../../../src/cache/disk/disk-store.ts'
import { MemoryStore } from '../../../../src/cache/memory/memory-store.ts'
import type { StoreBelow } from '../../../../src/cache/store/store.ts'
import { Timers } from '../../../../src/core/timers.ts'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'
import { describeStore, type StoreMaker } from '../store-suite.ts'

function over(failures: number): StoreMaker {
  return (options) => {
    let disk: DiskStore | null = null
    const below: StoreBelow = {
      begin: (...started) => disk?.begin(...started) ?? null,
      replaceHead: (old, fresh) => disk?.replaceHead(old, fresh) ?? false,
      onStored: (entry) => disk?.onStored(entry),
      onRemoved: (entry) => disk?.onRemoved(entry),
      onReplaced: (key) => disk?.onReplaced(key),
    }
    const memory = new MemoryStore({ ...options, below })
    const { clock } = options
    disk = new DiskStore(memory, {
      disk: new SimDisk({ random: new Random(1), failures }),
      clock,
      timers: new Timers(clock),
      settings: { path: '/cache', bytesMax: 1_000_000 },
      writer: 'one',
    })
    void disk.open()
    return memory
  }
}

describeStore('MemoryStore over a disk', over(0), 20)
describeStore('MemoryStore over a disk that fails', over(50), 20)
