/**
 * Inputs for the fuzz targets: a seed picks an entry of a corpus and damages it a few times, in ways that have fooled
 * parsers before. The same seed gives the same input.
 */
import { Random } from '../sim/random.ts'

/** What a target is: bytes in, an assertion thrown when an invariant does not hold. */
export interface FuzzTarget {
  readonly corpus: readonly string[]
  /** Pieces worth putting in. */
  readonly words: readonly string[]
  readonly run: (bytes: Buffer) => void
}

const interestingBytes = [
  0x00, 0x09, 0x0a, 0x0b, 0x0d, 0x20, 0x22, 0x23, 0x25, 0x2c, 0x2e, 0x2f, 0x3a, 0x3b, 0x5c, 0x7f, 0x80, 0xff,
]

const inputBytesMax = 4096

export function inputOf(target: FuzzTarget, seed: number): Buffer {
  const random = new Random(seed)
  let text = random.pick(target.corpus)
  for (let rounds = random.between(0, 6); rounds > 0; rounds--) text = mutate(text, target, random)
  return Buffer.from(text.slice(0, inputBytesMax), 'latin1')
}

function mutate(text: string, target: FuzzTarget, random: Random): string {
  const at = random.between(0, text.length)
  const length = random.between(1, random.chance(0.8) ? 4 : 60)
  const before = text.slice(0, at)
  const after = text.slice(at)
  switch (random.between(0, 8)) {
    case 0:
      return before + String.fromCharCode(random.pick(interestingBytes)) + after
    case 1:
      return before + String.fromCharCode(random.pick(interestingBytes)) + after.slice(1)
    case 2:
      return before + String.fromCharCode(random.between(0, 255)) + after.slice(1)
    case 3:
      return before + after.slice(length)
    case 4:
      return before + after.slice(0, length).repeat(random.between(2, 4)) + after.slice(length)
    case 5:
      return before + random.pick(target.words) + after
    case 6:
      return before + random.pick(target.words) + after.slice(length)
    case 7:
      return before + random.pick(target.corpus).slice(random.between(0, 60))
    default:
      return before + flipCase(after.slice(0, length)) + after.slice(length)
  }
}

function flipCase(text: string): string {
  return text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase()
}

/** Where to cut an input in pieces: depends on nothing but the input. */
export function cutsOf(bytes: Buffer): number[] {
  let seed = bytes.length
  for (const byte of bytes) seed = (Math.imul(seed, 31) + byte) | 0
  const random = new Random(seed)
  const cuts: number[] = []
  const step = random.pick([1, 3, 40])
  for (let at = random.between(1, step); at < bytes.length; at += random.between(1, step)) cuts.push(at)
  return cuts
}
