/** A DNS server on loopback that knows what a test tells it (RFC 1035 §4). */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

export interface Zone {
  readonly addresses: readonly string[]
  readonly ttlSeconds: number
  /** 'SERVFAIL' for questions of this family (4 or 6), or no answer at all. */
  readonly fails?: { readonly family: 4 | 6; readonly how: 'servfail' | 'silence' }
}

const typeA = 1
const typeAaaa = 28

export class DnsServer {
  readonly zones = new Map<string, Zone>()
  readonly asked: string[] = []
  readonly #socket: Socket = createSocket('udp4')

  async listen(): Promise<string> {
    this.#socket.on('message', (query, peer) => {
      const answer = this.#answer(query)
      if (answer !== null) this.#socket.send(answer, peer.port, peer.address)
    })
    this.#socket.bind(0, '127.0.0.1')
    await once(this.#socket, 'listening')
    return `127.0.0.1:${this.#socket.address().port}`
  }

  close(): void {
    this.#socket.close()
  }

  #answer(query: Buffer): Buffer | null {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const questionEnd = at + 5
    const type = query.readUInt16BE(at + 1)
    const name = labels.join('.').toLowerCase()
    this.asked.push(`${name} ${type}`)
    const zone = this.zones.get(name)
    const family = type === typeA ? 4 : 6
    const fails = zone?.fails?.family === family ? zone.fails.how : ''
    if (fails === 'silence') return null
    const wanted = (zone?.addresses ?? []).filter((address) => (isIPv4(address) ? typeA : typeAaaa) === type)
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    const code = fails === 'servfail' ? 2 : zone === undefined ? 3 : 0
    head.writeUInt16BE(0x8180 | code, 2)
    head.writeUInt16BE(1, 4)
    const records = code === 0 ? wanted.map((address) => record(address, type, zone?.ttlSeconds ?? 0)) : []
    head.writeUInt16BE(records.length, 6)
    return Buffer.concat([head, query.subarray(12, questionEnd), ...records])
  }
}

function record(address: string, type: number, ttlSeconds: number): Buffer {
  const bytes = type === typeA ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttlSeconds, 6)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, bytes])
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => parseInt(group, 16))
}

function ipv6Bytes(address: string): Buffer {
  const [left = '', right = ''] = address.split('::')
  const [before, after] = [groups(left), groups(right)]
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
  const bytes = Buffer.alloc(16)
  for (const [i, group] of all.entries()) bytes.writeUInt16BE(group, i * 2)
  return bytes
}
