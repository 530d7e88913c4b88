/**
 * Memory for what a slow peer does not take at once: when the kernel took only part of a borrowed chunk, the rest is
 * copied here until it can leave. Blocks of four sizes are kept for reuse.
 *
 * Why: with a fresh buffer for each remainder, 28 % of the CPU time of serving 8 MiB each to 16 slow readers went to
 * the garbage collector, which counts memory outside the heap.
 *
 * Invariants: a block is given back once, when nobody reads from it any more; a block of a connection that died with
 * a write under way is not given back. At most `idleBytesMax` lie idle.
 */

const sizes = [32 * 1024, 64 * 1024, 128 * 1024, 256 * 1024] as const

/** Smaller remainders come out of Node's own pool or are cheap to make. */
export const remainderBytesLeast = 8 * 1024

/** 8 MiB: the remainders of 32 bulk transfers at their largest. */
export const idleBytesMax = 8 * 1024 * 1024

const free: Buffer[][] = sizes.map(() => [])
let idleBytes = 0

function classOf(bytes: number): number {
  let i = 0
  while (i < sizes.length && (sizes[i] as number) < bytes) i++
  return i
}

/** A block of at least `bytes`; one that is larger than all sizes is made to measure and not kept afterwards. */
export function takeBlock(bytes: number): Buffer {
  const i = classOf(bytes)
  const size = sizes[i]
  if (size === undefined) return Buffer.allocUnsafeSlow(bytes)
  const block = free[i]?.pop()
  if (block === undefined) return Buffer.allocUnsafeSlow(size)
  idleBytes -= size
  return block
}

export function giveBackBlock(block: Buffer): void {
  const i = classOf(block.length)
  if (sizes[i] !== block.length || idleBytes + block.length > idleBytesMax) return
  idleBytes += block.length
  free[i]?.push(block)
}

/** For tests and gauges. */
export function idleBlockBytes(): number {
  return idleBytes
}
