/**
 * Traces of requests, made from a seed after published shapes.
 *
 * - `zipf`: popularity by Zipf's law with exponent 0.9, in the middle of what Breslau et al. found for web proxies
 *   (INFOCOM 1999: 0.64 to 0.83) and Atikoglu et al. for Facebook's key-value caches (SIGMETRICS 2012: about 1).
 * - `scans`: the same, and every 20,000 requests a crawler that takes 5,000 objects nobody else asks for.
 * - `cdn`: after the shape that Berger, Sitaraman and Harchol-Balter publish for Akamai's servers (AdaptSize, NSDI 2017)
 *   and Song et al. for CDNs (LRB, NSDI 2020): sizes over nine powers of two with a heavy tail, independent of
 *   popularity; more than half of the objects asked for once only (the one-hit wonders that Maggs and Sitaraman found
 *   to be three quarters, SIGCOMM CCR 2015); and a popularity that drifts, with new objects coming up all the time.
 */
import { Random } from '../../test/sim/random.ts'

export interface Trace {
  readonly name: string
  readonly keys: string[]
  readonly bytes: number[]
  /** Bytes of all different objects. */
  readonly footprint: number
  readonly objects: number
}

/** Draws ranks 0 … count - 1 by Zipf's law. */
class Zipf {
  readonly #sums: Float64Array

  constructor(count: number, exponent: number) {
    this.#sums = new Float64Array(count)
    let sum = 0
    for (let i = 0; i < count; i++) this.#sums[i] = sum += 1 / (i + 1) ** exponent
    for (let i = 0; i < count; i++) this.#sums[i] = (this.#sums[i] as number) / sum
  }

  draw(random: Random): number {
    const x = random.next()
    let low = 0
    let high = this.#sums.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sums[middle] as number) < x) low = middle + 1
      else high = middle
    }
    return low
  }
}

class Recorder {
  readonly keys: string[] = []
  readonly bytes: number[] = []
  readonly #sizes = new Map<string, number>()
  readonly #sizeOf: (random: Random) => number
  readonly #random: Random

  constructor(random: Random, sizeOf: (random: Random) => number) {
    this.#random = random
    this.#sizeOf = sizeOf
  }

  ask(key: string): void {
    let size = this.#sizes.get(key)
    if (size === undefined) this.#sizes.set(key, (size = this.#sizeOf(this.#random)))
    this.keys.push(key)
    this.bytes.push(size)
  }

  trace(name: string): Trace {
    let footprint = 0
    for (const size of this.#sizes.values()) footprint += size
    return { name, keys: this.keys, bytes: this.bytes, footprint, objects: this.#sizes.size }
  }
}

/** Most are some KiB, a few are large: a log-normal size with a median of 8 KiB, at least 100 bytes, at most 64 MiB. */
function webSize(random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(random.next() + 1e-12)) * Math.cos(2 * Math.PI * random.next())
  return Math.round(Math.min(2 ** 26, Math.max(100, 8192 * Math.exp(normal * 1.5))))
}

export function zipfTrace(requests: number, objects: number, seed: number): Trace {
  const random = new Random(seed)
  const zipf = new Zipf(objects, 0.9)
  const recorder = new Recorder(random, webSize)
  for (let i = 0; i < requests; i++) recorder.ask('/o/' + zipf.draw(random))
  return recorder.trace('Zipf 0.9')
}

export function scanTrace(requests: number, objects: number, seed: number): Trace {
  const random = new Random(seed)
  const zipf = new Zipf(objects, 0.9)
  const recorder = new Recorder(random, webSize)
  let scanned = 0
  for (let i = 0; i < requests; i++) {
    recorder.ask('/o/' + zipf.draw(random))
    if (i % 20_000 === 19_999) for (let n = 0; n < 5000; n++) recorder.ask('/scan/' + scanned++)
  }
  return recorder.trace('Zipf 0.9 with scans')
}

export function cdnTrace(requests: number, objects: number, seed: number): Trace {
  const random = new Random(seed)
  const zipf = new Zipf(objects, 0.8)
  const recorder = new Recorder(random, webSize)
  // Which object has which rank: one of all ranks is given to a new object every 40 requests.
  const holder = Int32Array.from({ length: objects }, (_, i) => i)
  let newest = objects
  let wonders = 0
  for (let i = 0; i < requests; i++) {
    if (random.chance(0.25)) recorder.ask('/once/' + wonders++)
    else recorder.ask('/o/' + (holder[zipf.draw(random)] as number))
    if (i % 40 === 0) holder[random.between(0, objects - 1)] = newest++
  }
  return recorder.trace('CDN: one-hit wonders and drift')
}
