/**
 * The known attacks on HTTP/2, as bytes: what is sent at once on each connection, behind the preface.
 */
import { FrameType, writeFrameHeader } from '../../src/h2/frames.ts'
import { HeaderBlock } from '../../src/h2/header-block.ts'
import { HpackEncoder } from '../../src/h2/hpack-encoder.ts'
import { Pseudo } from '../../src/h2/static-table.ts'

export function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const header = Buffer.alloc(9)
  writeFrameHeader(header, 0, bytes.length, type, flags, id)
  return Buffer.concat([header, bytes])
}

function request(method: string, path: string, more: readonly [string, string][] = []): Buffer {
  const block = new HeaderBlock()
  const encoder = new HpackEncoder(block)
  encoder.begin(0)
  encoder.pseudo(Pseudo.METHOD, method)
  encoder.pseudo(Pseudo.SCHEME, 'http')
  encoder.pseudo(Pseudo.PATH, path)
  encoder.pseudo(Pseudo.AUTHORITY, 'a.example')
  for (const [name, value] of more) encoder.field(0, name, value, false)
  return Buffer.from(block.buffer.subarray(0, block.end))
}

const get = request('GET', '/large')
const post = request('POST', '/large')
const bomb = Buffer.concat([
  request('GET', '/', [['x-bomb', 'b'.repeat(900)]]),
  Buffer.alloc(12_000, 0x80 | 62),
])
const ids = Array.from({ length: 500 }, (_, i) => 2 * i + 1)

export interface Attack {
  readonly what: string
  readonly fault: string
  readonly bytes: Buffer
  readonly settings?: string
  /** It takes at least so long to be cut off. */
  readonly msMin?: number
}

export const knownAttacks: readonly Attack[] = [
  {
    what: 'rapid reset',
    fault: 'h2_reset_flood',
    bytes: Buffer.concat(ids.flatMap((id) => [frame(1, 5, id, get), frame(3, 0, id, '\0\0\0\x08')])),
  },
  {
    what: 'made you reset',
    fault: 'h2_error_flood',
    bytes: Buffer.concat(ids.flatMap((id) => [frame(1, 5, id, get), frame(8, 0, id, '\0\0\0\0')])),
  },
  {
    what: 'CONTINUATION flood',
    fault: 'h2_continuation_flood',
    bytes: Buffer.concat([frame(1, 0, 1, get), ...ids.map(() => frame(9, 0, 1, 'x'.repeat(1000)))]),
  },
  {
    what: 'SETTINGS flood',
    fault: 'h2_settings_flood',
    bytes: Buffer.concat(ids.map(() => frame(FrameType.SETTINGS, 0, 0))),
  },
  {
    what: 'PING flood',
    fault: 'h2_ping_flood',
    bytes: Buffer.concat([...ids, ...ids].map(() => frame(FrameType.PING, 0, 0, 'flooding'))),
  },
  {
    what: 'HPACK bomb',
    fault: 'h2_error_flood',
    bytes: Buffer.concat(ids.map((id) => frame(1, 5, id, bomb))),
    msMin: 4000,
  },
  {
    what: 'DATA of one byte',
    fault: 'h2_empty_data_flood',
    bytes: Buffer.concat([frame(1, 4, 1, post), ...Array.from({ length: 6000 }, () => frame(0, 0, 1, 'x'))]),
  },
  {
    what: 'slow read with tiny windows',
    fault: 'h2_slow_flood',
    // A first window of one byte on each of a hundred streams.
    settings: '\0\x04\0\0\0\x01',
    msMin: 6000,
    bytes: Buffer.concat(ids.slice(0, 100).map((id) => frame(1, 5, id, get))),
  },
]

export const furtherAttacks: readonly Attack[] = [
  {
    what: 'made you reset by DATA behind the end',
    fault: 'h2_error_flood',
    bytes: Buffer.concat(ids.flatMap((id) => [frame(1, 5, id, get), frame(0, 0, id, 'x')])),
  },
  {
    what: 'made you reset by a PRIORITY of a wrong length',
    fault: 'h2_error_flood',
    bytes: Buffer.concat(ids.flatMap((id) => [frame(1, 4, id, post), frame(2, 0, id, 'xxx')])),
  },
  {
    what: 'WINDOW_UPDATE flood',
    fault: 'h2_window_flood',
    bytes: Buffer.concat(Array.from({ length: 12_000 }, () => frame(8, 0, 0, '\0\0\0\x01'))),
  },
  {
    what: 'PRIORITY_UPDATE flood',
    fault: 'h2_priority_flood',
    bytes: Buffer.concat([
      frame(1, 4, 1, post),
      ...Array.from({ length: 3000 }, (_, i) => frame(16, 0, 0, `\0\0\0\x01u=${i % 8}`)),
    ]),
  },
]
