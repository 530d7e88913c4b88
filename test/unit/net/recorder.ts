/** A listener to a Transport that keeps all it hears, and finds what may not happen. */
import { createHash } from 'node:crypto'
import type { Transport, TransportEvents } from '../../../src/net/transport.ts'

/** Hears everything and keeps it, and fails when an event comes from inside a call or after the close. */
export class Recorder implements TransportEvents {
  transport: Transport | null = null
  bytes = 0
  reads = 0
  drains = 0
  ends = 0
  closes: string[] = []
  text = ''
  readonly hash: ReturnType<typeof createHash> = createHash('sha256')
  keepsText = true
  onRead: (buffer: Buffer, start: number, end: number) => void = () => {}
  static callDepth = 0
  static broken: string[] = []

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#check('onBytes')
    this.reads++
    this.bytes += end - start
    this.hash.update(buffer.subarray(start, end))
    if (this.keepsText) this.text += buffer.toString('latin1', start, end)
    this.onRead(buffer, start, end)
  }

  onDrain(): void {
    this.#check('onDrain')
    this.drains++
  }

  onEnd(): void {
    this.#check('onEnd')
    this.ends++
  }

  onClose(error: string): void {
    this.#check('onClose')
    this.closes.push(error)
  }

  #check(event: string): void {
    if (Recorder.callDepth > 0) Recorder.broken.push(`${event} inside a call`)
    if (this.closes.length > 0) Recorder.broken.push(`${event} after onClose`)
  }
}

/** Calls into a transport; no event may come before it returns. */
export function call<T>(action: () => T): T {
  Recorder.callDepth++
  try {
    return action()
  } finally {
    Recorder.callDepth--
  }
}

/** Bytes that differ everywhere, so that a lost, doubled or moved piece shows. */
export function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export const everyLatin1 = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
