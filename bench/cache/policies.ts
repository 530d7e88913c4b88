/**
 * What the store's S3-FIFO is compared with: LRU, and W-TinyLFU (Einziger, Friedman, Manes 2017) as Caffeine has it, both
 * by bytes. For the bench only.
 */
import { Admission, usesMax, type Admitted } from '../../src/cache/memory/admission.ts'
import { hashOf } from '../../src/cache/memory/ghosts.ts'
import { List } from '../../src/core/list.ts'

/** A cache that only counts. */
export interface Policy {
  readonly name: string
  /** An object is asked for. True: it was there. */
  ask(key: string, bytes: number): boolean
}

class Thing implements Admitted<Thing> {
  readonly key: string
  bytes: number
  uses = 0
  isMain = false
  segment = 0
  previous: Thing | null = null
  next: Thing | null = null
  list: object | null = null

  constructor(key: string, bytes: number) {
    this.key = key
    this.bytes = bytes
  }
}

/** What is larger than an eighth is not taken in, by any of them. */
const entryShare = 1 / 8

export class S3Fifo implements Policy {
  readonly name = 'S3-FIFO'
  readonly #bytesMax: number
  readonly #things = new Map<string, Thing>()
  readonly #queues = new Admission<Thing>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  ask(key: string, bytes: number): boolean {
    const known = this.#things.get(key)
    if (known !== undefined) {
      if (known.uses < usesMax) known.uses++
      return true
    }
    if (bytes > this.#bytesMax * entryShare) return false
    while (this.#queues.smallBytes + this.#queues.mainBytes + bytes > this.#bytesMax) {
      const gone = this.#queues.evict(this.#bytesMax)
      if (gone === null) break
      this.#things.delete(gone.key)
    }
    const thing = new Thing(key, bytes)
    this.#things.set(key, thing)
    this.#queues.add(thing)
    return false
  }
}

export class Lru implements Policy {
  readonly name = 'LRU'
  readonly #bytesMax: number
  readonly #things = new Map<string, Thing>()
  readonly #order = new List<Thing>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  ask(key: string, bytes: number): boolean {
    const known = this.#things.get(key)
    if (known !== undefined) {
      this.#order.remove(known)
      this.#order.addLast(known)
      return true
    }
    if (bytes > this.#bytesMax * entryShare) return false
    while (this.#bytes + bytes > this.#bytesMax) {
      const gone = this.#order.takeFirst()
      if (gone === null) break
      this.#things.delete(gone.key)
      this.#bytes -= gone.bytes
    }
    const thing = new Thing(key, bytes)
    this.#things.set(key, thing)
    this.#order.addLast(thing)
    this.#bytes += bytes
    return false
  }
}

/** How often keys were asked for lately: four counters of up to 15 each, halved after every ten times their number. */
class Sketch {
  readonly #counters: Uint8Array
  readonly #mask: number
  #additions = 0

  constructor(entries: number) {
    let length = 1024
    while (length < entries * 8) length *= 2
    this.#counters = new Uint8Array(length)
    this.#mask = length - 1
  }

  add(hash: number): void {
    for (let i = 0; i < 4; i++) {
      const at = this.#at(hash, i)
      if ((this.#counters[at] as number) < 15) this.#counters[at] = (this.#counters[at] as number) + 1
    }
    if (++this.#additions < this.#counters.length * 1.25) return
    this.#additions = 0
    for (let i = 0; i < this.#counters.length; i++) this.#counters[i] = (this.#counters[i] as number) >> 1
  }

  estimate(hash: number): number {
    let least = 15
    for (let i = 0; i < 4; i++) least = Math.min(least, this.#counters[this.#at(hash, i)] as number)
    return least
  }

  #at(hash: number, i: number): number {
    const mixed = Math.imul(hash ^ (i * 0x9e3779b9), 0x85ebca6b)
    return (mixed ^ (mixed >>> 13)) & this.#mask
  }
}

const inWindow = 0
const onProbation = 1
const isProtected = 2
const protectedShare = 0.8

export class TinyLfu implements Policy {
  readonly name: string
  readonly #bytesMax: number
  readonly #windowShare: number
  readonly #things = new Map<string, Thing>()
  readonly #lists = [new List<Thing>(), new List<Thing>(), new List<Thing>()]
  readonly #bytes = [0, 0, 0]
  readonly #sketch: Sketch

  /** `entries`: about how many fit, for the size of the sketch. */
  constructor(bytesMax: number, entries: number, windowShare = 0.01) {
    this.#bytesMax = bytesMax
    this.#windowShare = windowShare
    this.name = `W-TinyLFU ${windowShare * 100} %`
    this.#sketch = new Sketch(entries)
  }

  ask(key: string, bytes: number): boolean {
    this.#sketch.add(hashOf(key))
    const known = this.#things.get(key)
    if (known !== undefined) {
      this.#touch(known)
      return true
    }
    if (bytes > this.#bytesMax * entryShare) return false
    const thing = new Thing(key, bytes)
    this.#things.set(key, thing)
    this.#put(thing, inWindow)
    while ((this.#bytes[inWindow] as number) > this.#bytesMax * this.#windowShare) {
      const candidate = (this.#lists[inWindow] as List<Thing>).first as Thing
      this.#take(candidate)
      this.#admit(candidate)
    }
    return false
  }

  #put(thing: Thing, segment: number): void {
    thing.segment = segment
    ;(this.#lists[segment] as List<Thing>).addLast(thing)
    this.#bytes[segment] = (this.#bytes[segment] as number) + thing.bytes
  }

  #take(thing: Thing): void {
    ;(this.#lists[thing.segment] as List<Thing>).remove(thing)
    this.#bytes[thing.segment] = (this.#bytes[thing.segment] as number) - thing.bytes
  }

  #touch(thing: Thing): void {
    this.#take(thing)
    this.#put(thing, thing.segment === inWindow ? inWindow : isProtected)
    const most = this.#bytesMax * (1 - this.#windowShare) * protectedShare
    while ((this.#bytes[isProtected] as number) > most) {
      const oldest = (this.#lists[isProtected] as List<Thing>).first as Thing
      this.#take(oldest)
      this.#put(oldest, onProbation)
    }
  }

  /** The candidate takes the room of colder ones, or goes itself. */
  #admit(candidate: Thing): void {
    const room = this.#bytesMax * (1 - this.#windowShare)
    const rank = this.#sketch.estimate(hashOf(candidate.key))
    const held = () => (this.#bytes[onProbation] as number) + (this.#bytes[isProtected] as number)
    const victims: Thing[] = []
    let freed = 0
    let next =
      (this.#lists[onProbation] as List<Thing>).first ?? (this.#lists[isProtected] as List<Thing>).first
    while (held() - freed + candidate.bytes > room && next !== null) {
      if (this.#sketch.estimate(hashOf(next.key)) >= rank) {
        this.#things.delete(candidate.key)
        return
      }
      victims.push(next)
      freed += next.bytes
      next = next.next
    }
    for (const victim of victims) {
      this.#take(victim)
      this.#things.delete(victim.key)
    }
    this.#put(candidate, onProbation)
  }
}
