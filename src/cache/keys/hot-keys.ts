/**
 * HotKeys: the keys made most recently in all routes, each found again by what it was made of. Joining a key costs little; but
 * before a Map can look up a freshly joined string, it has to be copied, hashed and looked for among all strings of
 * the process. A string that was looked up before has not: that saves half of what it takes to find an entry.
 *
 * Promises: it is bounded (`slotCount` keys of at most `targetLengthMax` characters and a host); it never returns
 * another request's key, since everything is compared.
 */
import type { RequestHead } from '../../http/message.ts'

/** About 200 KB in all. One table for each of the routes of ten thousand sites would be a quarter of a gigabyte. */
const slotCount = 4096
/** Longer targets are too various for one to come again soon. */
const targetLengthMax = 512
/** How many characters at the end of a target choose its slot, besides its length. */
const sampleLength = 4

export class HotKeys {
  readonly #keys: string[] = Array.from({ length: slotCount }, () => '')
  readonly #schemes: string[] = Array.from({ length: slotCount }, () => '')
  readonly #hosts: string[] = Array.from({ length: slotCount }, () => '')
  readonly #ports: Int32Array = new Int32Array(slotCount)
  /** Who made it. */
  readonly #makers: Int32Array = new Int32Array(slotCount)
  /** Where the target begins in the key. */
  readonly #starts: Uint16Array = new Uint16Array(slotCount)

  /** The key that `maker`, a number above 0, noted for such a request. `suffixLength`: of what it writes behind every target. */
  find(request: RequestHead, maker: number, suffixLength: number): string | null {
    const { target } = request
    const slot = slotOf(target, maker)
    const key = this.#keys[slot] as string
    const start = this.#starts[slot] as number
    if (this.#makers[slot] !== maker || key.length !== start + target.length + suffixLength) return null
    if (this.#ports[slot] !== request.port || this.#hosts[slot] !== request.host) return null
    return this.#schemes[slot] === request.scheme && key.startsWith(target, start) ? key : null
  }

  /** Remembers that `request` has this key, in which its target stands as it came, from `start` on. */
  note(request: RequestHead, maker: number, key: string, start: number): void {
    const { target } = request
    if (target.length > targetLengthMax) return
    const slot = slotOf(target, maker)
    this.#keys[slot] = key
    this.#schemes[slot] = request.scheme
    this.#hosts[slot] = request.host
    this.#ports[slot] = request.port
    this.#makers[slot] = maker
    this.#starts[slot] = start
  }
}

/** Sites have the same targets: who made a key is what tells them apart. */
function slotOf(target: string, maker: number): number {
  const { length } = target
  let hash = Math.imul(maker, 0x9e3779b1) + length
  for (let i = Math.max(0, length - sampleLength); i < length; i++)
    hash = Math.imul(hash, 31) + target.charCodeAt(i)
  return (hash ^ (hash >>> 12)) & (slotCount - 1)
}
