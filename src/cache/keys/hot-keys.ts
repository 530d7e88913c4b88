/**
 * HotKeys: the keys made most recently, each found again by what it was made of. Joining a key costs little; but
 * before a Map can look up a freshly joined string, it has to be copied, hashed and looked for among all strings of
 * the process. A string that was looked up before has not: that saves half of what it takes to find an entry.
 *
 * Promises: it is bounded (`slotCount` keys of at most `targetLengthMax` characters and a host); it never returns
 * another request's key, since everything is compared.
 */
import type { RequestHead } from '../../http/message.ts'

const slotCount = 1024
/** Of longer ones there are too many different for one to come again soon. */
const targetLengthMax = 512
/** Characters at the end of a target that choose its slot, besides its length. */
const sampleLength = 4

export class HotKeys {
  readonly #keys: string[] = Array.from({ length: slotCount }, () => '')
  readonly #schemes: string[] = Array.from({ length: slotCount }, () => '')
  readonly #hosts: string[] = Array.from({ length: slotCount }, () => '')
  readonly #ports: Int32Array = new Int32Array(slotCount)
  /** Where the target begins in the key. */
  readonly #starts: Uint16Array = new Uint16Array(slotCount)

  /** `suffixLength`: of what stands behind the target in every key. */
  find(request: RequestHead, suffixLength: number): string | null {
    const { target } = request
    const slot = slotOf(target)
    const key = this.#keys[slot] as string
    const start = this.#starts[slot] as number
    if (key.length !== start + target.length + suffixLength || this.#ports[slot] !== request.port) return null
    if (this.#hosts[slot] !== request.host || this.#schemes[slot] !== request.scheme) return null
    return key.startsWith(target, start) ? key : null
  }

  /** `request` has this key, in which its target stands as it came, from `start` on. */
  note(request: RequestHead, key: string, start: number): void {
    const { target } = request
    if (target.length > targetLengthMax) return
    const slot = slotOf(target)
    this.#keys[slot] = key
    this.#schemes[slot] = request.scheme
    this.#hosts[slot] = request.host
    this.#ports[slot] = request.port
    this.#starts[slot] = start
  }
}

function slotOf(target: string): number {
  const { length } = target
  let hash = length
  for (let i = Math.max(0, length - sampleLength); i < length; i++)
    hash = Math.imul(hash, 31) + target.charCodeAt(i)
  return (hash ^ (hash >>> 10)) & (slotCount - 1)
}
