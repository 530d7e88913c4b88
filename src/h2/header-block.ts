/**
 * HeaderBlock: where header blocks are written before they are sent: one buffer that grows and is used again for
 * each.
 */
const initialBytes = 4096

export class HeaderBlock {
  buffer: Buffer = Buffer.allocUnsafeSlow(initialBytes)
  /** Behind what was written. */
  end = 0

  /** Begins anew, with `reserve` bytes left for what stands before the block. */
  begin(reserve: number): void {
    this.end = reserve
  }

  /** Sees to it that `bytes` more have room. */
  reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.end + bytes, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.end)
    this.buffer = larger
  }
}
