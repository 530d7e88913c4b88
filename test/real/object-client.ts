/**
 * A client that asks once for a known object, on a connection of its own, and compares every byte as it comes: at full
 * speed, at a pace, or until it has had enough and leaves. It keeps nothing of what it reads, so that hundreds of them
 * fit in one process.
 */
import { connect, type Socket } from 'node:net'

export interface ClientOptions {
  readonly port: number
  readonly path: string
  readonly object: Buffer
  /** First and last byte. */
  readonly range?: readonly [first: number, last: number]
  readonly bytesPerSecond?: number
  /** It leaves without a word after so many bytes of the body. */
  readonly leavesAfterBytes?: number
}

/** All read into one buffer: each read is compared before the next. */
const readBuffer = Buffer.allocUnsafe(64 * 1024)

export class ObjectClient {
  status = 0
  received = 0
  /** By `Date.now`; 0: not a byte came. */
  firstByteMs = 0
  endedMs = 0
  /** What came is what belongs there. */
  isRight = true
  /** All that the head promised came. */
  isWhole = false
  readonly done: Promise<void>
  readonly options: ClientOptions
  #position = 0
  #length = -1
  #head = ''
  #hasLeft = false

  constructor(options: ClientOptions) {
    this.options = options
    this.done = new Promise((resolve) => this.#start(resolve))
  }

  #start(onEnd: () => void): void {
    const { port, path, range } = this.options
    const onread = {
      buffer: readBuffer,
      callback: (length: number): boolean => this.#read(socket, readBuffer.subarray(0, length)),
    }
    const socket: Socket = connect({ host: '127.0.0.1', port, onread })
    const lines = [`GET ${path} HTTP/1.1`, 'Host: object.test']
    if (range !== undefined) lines.push(`Range: bytes=${range[0]}-${range[1]}`)
    socket.write(lines.join('\r\n') + '\r\n\r\n')
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      if (this.endedMs === 0) this.endedMs = Date.now()
      onEnd()
    })
  }

  /** False: nothing more for now. */
  #read(socket: Socket, bytes: Buffer): boolean {
    if (this.#hasLeft) return false
    if (this.firstByteMs === 0) this.firstByteMs = Date.now()
    const body = this.#length < 0 ? this.#readHead(bytes) : bytes
    this.#compare(body)
    const { bytesPerSecond = 0, leavesAfterBytes = Infinity } = this.options
    if (this.received === this.#length || this.received >= leavesAfterBytes) {
      this.isWhole = this.received === this.#length
      this.#hasLeft = true
      this.endedMs = Date.now()
      socket.destroy()
      return false
    }
    if (bytesPerSecond === 0) return true
    setTimeout(() => socket.resume(), (1000 * bytes.length) / bytesPerSecond)
    return false
  }

  #readHead(bytes: Buffer): Buffer {
    this.#head += bytes.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return bytes.subarray(bytes.length)
    const head = this.#head.slice(0, end)
    this.status = Number(head.slice(9, 12))
    this.#length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    this.#position = Number(/content-range: *bytes (\d+)/i.exec(head)?.[1] ?? 0)
    return bytes.subarray(bytes.length - (this.#head.length - end - 4))
  }

  #compare(bytes: Buffer): void {
    const end = this.#position + bytes.length
    if (!bytes.equals(this.options.object.subarray(this.#position, end))) this.isRight = false
    this.#position = end
    this.received += bytes.length
  }
}
