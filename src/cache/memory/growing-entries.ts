/** GrowingEntries: the entries that are begun and not yet whole, and the bytes that they take. */
import type { Entry } from '../store/entry.ts'

export class GrowingEntries extends Set<Entry> {
  bytes = 0

  begin(entry: Entry, bytes: number): void {
    entry.bytes = bytes
    entry.isGrowing = true
    this.add(entry)
    this.bytes += bytes
  }

  grow(entry: Entry, bytes: number): void {
    entry.bytes += bytes
    this.bytes += bytes
  }

  end(entry: Entry): void {
    this.delete(entry)
    this.bytes -= entry.bytes
    entry.isGrowing = false
  }

  /** Those of a key will not be stored; they are given. */
  doom(key: string): Entry[] {
    const doomed: Entry[] = []
    for (const entry of this) if (entry.key === key && !entry.isDoomed) doomed.push(entry)
    for (const entry of doomed) entry.isDoomed = true
    return doomed
  }
}
