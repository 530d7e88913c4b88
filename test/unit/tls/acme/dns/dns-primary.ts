/**
 * A primary DNS server on loopback, over UDP and TCP on one port, that takes what a test lets it. It writes and signs by itself,
 * octet by octet, so that it does not share the mistakes of what is tested.
 */
import { createHmac } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import type { TestContext } from 'node:test'

export const keyName = 'update-key'
export const secret = Buffer.from('a secret of thirty-two octets...')

/** One request, as the server reads it. */
export interface Request {
  readonly bytes: Buffer
  readonly isTcp: boolean
  readonly opcode: number
  readonly name: string
  /** Where the question or zone section ends. */
  readonly questionEnd: number
}

/** What the server says to one request; null: nothing. */
export interface Reply {
  readonly code?: number
  readonly flags?: number
  /** [section 1..3, octets] */
  readonly records?: readonly (readonly [number, Buffer])[]
  /** Left out: signed as it should be. */
  readonly signature?: Partial<Signing> | 'none'
}

interface Signing {
  readonly keyName: string
  readonly secret: Buffer
  readonly seconds: number
  readonly error: number
  readonly other: Buffer
  /** Of the MAC, what is sent. */
  readonly macBytes: number
}

type Answer = (request: Request) => Reply | readonly Reply[] | null

export function octetsOf(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.')
  return Buffer.concat([
    ...labels.map((l) => Buffer.concat([Buffer.of(l.length), Buffer.from(l)])),
    Buffer.of(0),
  ])
}

export function recordOf(name: string, type: number, data: Buffer): Buffer {
  const rest = Buffer.alloc(10)
  rest.writeUInt16BE(type, 0)
  rest.writeUInt16BE(1, 2)
  rest.writeUInt32BE(60, 4)
  rest.writeUInt16BE(data.length, 8)
  return Buffer.concat([octetsOf(name), rest, data])
}

export const soaOf = (zone: string): Buffer =>
  recordOf(zone, 6, Buffer.concat([octetsOf('ns'), octetsOf('admin'), Buffer.alloc(20)]))

/** An SOA in the authority section: the name is in this zone. */
export const inZone = (zone: string): Reply => ({ code: 3, records: [[2, soaOf(zone)]] })

export class DnsPrimary {
  readonly requests: Request[] = []
  answer: Answer
  port = 0
  readonly #udp: Socket = createSocket('udp4')
  readonly #tcp: Server
  readonly #hearsUdp: boolean

  private constructor(answer: Answer, hearsUdp: boolean) {
    this.answer = answer
    this.#hearsUdp = hearsUdp
    this.#tcp = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes: Buffer) => {
        for (const reply of this.#replies(bytes.subarray(2), true)) {
          const length = Buffer.alloc(2)
          length.writeUInt16BE(reply.length)
          socket.write(Buffer.concat([length, reply]))
        }
      })
    })
  }

  static async start(t: TestContext, answer: Answer, hearsUdp = true): Promise<DnsPrimary> {
    const primary = new DnsPrimary(answer, hearsUdp)
    await primary.#start()
    t.after(() => {
      primary.#udp.close()
      primary.#tcp.close()
    })
    return primary
  }

  async #start(): Promise<void> {
    // A port that is free for both: another is tried where somebody has one of them.
    for (let tries = 0; this.port === 0; tries++) {
      this.#tcp.listen(0, '127.0.0.1')
      await once(this.#tcp, 'listening')
      const { port } = this.#tcp.address() as AddressInfo
      try {
        this.#udp.bind(port, '127.0.0.1')
        await once(this.#udp, 'listening')
        this.port = port
      } catch (error) {
        if (tries === 5) throw error
        this.#tcp.close()
        await once(this.#tcp, 'close')
      }
    }
    this.#udp.on('message', (bytes: Buffer, peer: RemoteInfo) => {
      if (!this.#hearsUdp) return
      for (const reply of this.#replies(bytes, false)) this.#udp.send(reply, peer.port, peer.address)
    })
  }

  #replies(bytes: Buffer, isTcp: boolean): Buffer[] {
    const labels: string[] = []
    let at = 12
    for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
      labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const opcode = (bytes.readUInt16BE(2) >>> 11) & 15
    const request = { bytes, isTcp, opcode, name: labels.join('.'), questionEnd: at + 5 }
    this.requests.push(request)
    const replies = this.answer(request)
    if (replies === null) return []
    const list = Array.isArray(replies) ? (replies as Reply[]) : [replies as Reply]
    return list.map((reply) => write(request, reply))
  }
}

/** The signature of a request stands last, and its MAC of 32 octets 6 before the end. */
export function macOf(request: Buffer): Buffer {
  return request.subarray(request.length - 38, request.length - 6)
}

function write({ bytes, opcode, questionEnd }: Request, reply: Reply): Buffer {
  const { code = 0, flags = 0, records = [], signature = {} } = reply
  const head = Buffer.alloc(12)
  bytes.copy(head, 0, 0, 2)
  head.writeUInt16BE(0x8000 | (opcode << 11) | flags | code, 2)
  head.writeUInt16BE(1, 4)
  for (const [section] of records) head.writeUInt16BE(head.readUInt16BE(4 + section * 2) + 1, 4 + section * 2)
  const sorted = records.toSorted(([a], [b]) => a - b).map(([, record]) => record)
  const message = Buffer.concat([head, bytes.subarray(12, questionEnd), ...sorted])
  return signature === 'none' ? message : sign(message, macOf(bytes), signature)
}

function sign(message: Buffer, requestMac: Buffer, how: Partial<Signing>): Buffer {
  const { error = 0, other = Buffer.alloc(0), macBytes = 32 } = how
  const key = octetsOf(how.keyName ?? keyName)
  const algorithm = octetsOf('hmac-sha256')
  const time = Buffer.alloc(8)
  time.writeUIntBE(how.seconds ?? Math.floor(Date.now() / 1000), 0, 6)
  time.writeUInt16BE(300, 6)
  const end = Buffer.alloc(4)
  end.writeUInt16BE(error, 0)
  end.writeUInt16BE(other.length, 2)
  const mac = createHmac('sha256', how.secret ?? secret)
    .update(Buffer.from([0, requestMac.length]))
    .update(requestMac)
    .update(message)
    .update(key)
    .update(Buffer.from([0, 255, 0, 0, 0, 0]))
    .update(algorithm)
    .update(time)
    .update(end)
    .update(other)
    .digest()
    .subarray(0, macBytes)
  const data = Buffer.concat([
    algorithm,
    time,
    Buffer.from([0, mac.length]),
    mac,
    message.subarray(0, 2),
    end,
    other,
  ])
  const record = Buffer.from([0, 250, 0, 255, 0, 0, 0, 0, 0, data.length])
  const signed = Buffer.concat([message, key, record, data])
  signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10)
  return signed
}
