/**
 * Reads the ClientHello of TLS without taking part in the handshake (RFC 8446 §4.1.2): the server name that the
 * client asks for (RFC 6066 §3) and the protocols that it offers (RFC 7301). It is for connections whose TLS is
 * passed on unread.
 *
 * A hello may be spread over several records, and each record over any number of segments. Bytes that are not TLS, or
 * that cannot be read, have no name: the server that they are passed on to will tell the client what is wrong with
 * them.
 */

/**
 * The most bytes of the records of one hello, their heads included. A browser's has 2 KiB with a post-quantum
 * key share; OpenSSL takes 16 KiB.
 */
export const clientHelloBytesMax = 16 * 1024

export class ClientHello {
  /** Lower case, without a dot at its end; '' when none is asked for. Under ECH it is the public name (RFC 9849). */
  serverName = ''
  /** The protocols as offered, the best first. */
  protocols: readonly string[] = []
  /**
   * For a hello that is not whole: at least this many bytes are missing. Reading it again sooner, with each
   * segment, would cost the square of what a client sends that puts one byte into each record and each segment.
   */
  missingBytes = 1
}

/** More bytes are needed. */
export const HELLO_INCOMPLETE = 0
/** The hello was read, and `into` is filled. */
export const HELLO_READ = 1
/** It is not TLS, or cannot be read. */
export const HELLO_NONE = 2

const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const recordHeadBytes = 5
/** RFC 8446 §5.1. */
const recordBytesMax = 16 * 1024
const SERVER_NAME = 0
const ALPN = 16

/** Reads what begins at `bytes[start]`. */
export function readClientHello(bytes: Buffer, start: number, end: number, into: ClientHello): number {
  const message: Buffer[] = []
  let length = 0
  let wanted = -1
  for (let at = start; ;) {
    into.missingBytes = wanted < 0 ? 1 : wanted - length
    if (end - at < recordHeadBytes) {
      const mayBe = isRecordHead(bytes, at, end) && end - start < clientHelloBytesMax
      return mayBe ? HELLO_INCOMPLETE : HELLO_NONE
    }
    const recordBytes = bytes.readUInt16BE(at + 3)
    if (!isRecordHead(bytes, at, end) || recordBytes === 0 || recordBytes > recordBytesMax) return HELLO_NONE
    const from = at + recordHeadBytes
    at = Math.min(end, from + recordBytes)
    message.push(bytes.subarray(from, at))
    length += at - from
    if (wanted < 0 && length >= 4) {
      const head = message.length === 1 ? (message[0] as Buffer) : Buffer.concat(message)
      if (head[0] !== CLIENT_HELLO) return HELLO_NONE
      wanted = 4 + head.readUIntBE(1, 3)
      if (wanted > clientHelloBytesMax) return HELLO_NONE
    }
    if (wanted >= 0 && length >= wanted) break
    if (at - from < recordBytes) {
      into.missingBytes = wanted < 0 ? 1 : wanted - length
      return at - start >= clientHelloBytesMax ? HELLO_NONE : HELLO_INCOMPLETE
    }
  }
  return readHello(Buffer.concat(message).subarray(4, wanted), into) ? HELLO_READ : HELLO_NONE
}

/** Does it look, as far as it is there, like a record of the handshake, with a version that begins with 3? */
function isRecordHead(bytes: Buffer, at: number, end: number): boolean {
  if (at >= end) return true
  return bytes[at] === HANDSHAKE_RECORD && (at + 1 >= end || bytes[at + 1] === 3)
}

/** A cursor over bytes that may end too soon. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0
  isShort = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.isShort || this.#at >= this.#bytes.length
  }

  number(byteCount: number): number {
    const bytes = this.take(byteCount)
    return bytes.length === byteCount ? bytes.readUIntBE(0, byteCount) : 0
  }

  take(byteCount: number): Buffer {
    if (this.#bytes.length - this.#at < byteCount) this.isShort = true
    if (this.isShort) return empty
    this.#at += byteCount
    return this.#bytes.subarray(this.#at - byteCount, this.#at)
  }

  /** What follows a length of `byteCount` bytes. */
  vector(byteCount: number): Buffer {
    return this.take(this.number(byteCount))
  }
}

const empty = Buffer.alloc(0)

function readHello(bytes: Buffer, into: ClientHello): boolean {
  const hello = new Cursor(bytes)
  // Version and random.
  hello.take(2 + 32)
  // Session id, cipher suites, compression methods.
  hello.vector(1)
  hello.vector(2)
  hello.vector(1)
  // TLS 1.2 knows hellos without extensions.
  if (hello.isAtEnd) return !hello.isShort
  const extensions = new Cursor(hello.vector(2))
  while (!extensions.isAtEnd) {
    const type = extensions.number(2)
    const content = extensions.vector(2)
    if (extensions.isShort) return false
    if (type === SERVER_NAME) into.serverName = serverNameOf(content)
    else if (type === ALPN) into.protocols = protocolsOf(content)
  }
  return !hello.isShort && !extensions.isShort
}

const namePattern =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** The first name of type host_name; '' for what is not a host name. */
function serverNameOf(content: Buffer): string {
  const list = new Cursor(new Cursor(content).vector(2))
  while (!list.isAtEnd) {
    const type = list.number(1)
    const name = list.vector(2).toString('latin1').toLowerCase().replace(/\.$/, '')
    if (type === 0) return !list.isShort && namePattern.test(name) ? name : ''
  }
  return ''
}

function protocolsOf(content: Buffer): string[] {
  const list = new Cursor(new Cursor(content).vector(2))
  const protocols: string[] = []
  while (!list.isAtEnd) {
    const protocol = list.vector(1).toString('latin1')
    if (!list.isShort && protocol !== '') protocols.push(protocol)
  }
  return protocols
}
