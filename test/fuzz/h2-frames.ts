/**
 * Fuzz target: what a client sends on a connection of HTTP/2.
 *
 * Invariants: nothing throws; what we send is whole frames whose header blocks can be decoded; every exchange that was begun is
 * finished once; the verdict does not depend on how the bytes were split into reads; afterwards nothing hangs and nothing is left.
 */
import assert from 'node:assert/strict'
import { clientPreface, FrameType, writeFrameHeader } from '../../src/h2/frames.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { silentStory } from '../story/h2-world.ts'
import { answer, CollectingSink } from '../story/scripted-serve.ts'
import type { FuzzTarget } from './mutate.ts'

function frame(type: number, flags: number, id: number, payload: string): string {
  const header = Buffer.alloc(9)
  writeFrameHeader(header, 0, payload.length, type, flags, id)
  return header.toString('latin1') + payload
}

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } = FrameType
const get = '\x82\x86\x84\x41\x01a'
const post = '\x83\x86\x84\x41\x01a'
const begin = frame(SETTINGS, 0, 0, '') + frame(SETTINGS, 1, 0, '')

/** What is there to be answered: whole, in part, or when the body has come. */
function serve(x: Exchange): void {
  if (x.request.bodyLength === 0) return answer(x, 200, 'x'.repeat(x.request.target.length * 500))
  const sink = new CollectingSink()
  sink.onWhole = () => answer(x, 200, 'thanks')
  sink.onBroken = () => x.down.abort(1)
  x.body.attach(sink)
}

function verdictOf(bytes: Buffer, splitBytes: number): string[] {
  const story = silentStory()
  story.serve.onServe = serve
  story.near.splitBytes = splitBytes
  story.client.isPolite = false
  story.client.end.writeBytes(clientPreface, 0, clientPreface.length)
  story.client.end.writeBytes(bytes, 0, bytes.length)
  story.wire.run()
  const heard = story.client.take()
  story.client.end.end()
  story.pass(120_000)
  story.checkAtRest()
  return heard
}

export const h2Frames: FuzzTarget = {
  corpus: [
    begin + frame(HEADERS, 5, 1, get) + frame(HEADERS, 5, 3, get) + frame(PING, 0, 0, '12345678'),
    begin + frame(HEADERS, 4, 1, post) + frame(DATA, 0, 1, 'body') + frame(DATA, 1, 1, 'more'),
    begin +
      frame(HEADERS, 4, 1, post) +
      frame(DATA, 8, 1, '\x04body\0\0\0\0') +
      frame(HEADERS, 5, 1, '\0\x01a\x01b'),
    begin + frame(HEADERS, 1, 1, get.slice(0, 3)) + frame(CONTINUATION, 4, 1, get.slice(3)),
    begin +
      frame(HEADERS, 4, 1, post) +
      frame(RST_STREAM, 0, 1, '\0\0\0\x08') +
      frame(WINDOW_UPDATE, 0, 1, '\0\0\0\x01'),
    frame(SETTINGS, 0, 0, '\0\x04\0\0\0\x0a\0\x05\0\0\x40\0') +
      frame(HEADERS, 5, 1, get) +
      frame(WINDOW_UPDATE, 0, 1, '\0\0\xff\0'),
    begin +
      frame(PRIORITY, 0, 3, '\0\0\0\x01\x10') +
      frame(HEADERS, 0x2d, 5, '\x01\0\0\0\x03\x10' + get + '\0'),
    begin +
      frame(FrameType.PRIORITY_UPDATE, 0, 0, '\0\0\0\x01u=1, i') +
      frame(HEADERS, 5, 1, get) +
      frame(GOAWAY, 0, 0, '\0\0\0\0\0\0\0\0'),
  ],
  words: [
    frame(HEADERS, 5, 7, get),
    frame(HEADERS, 4, 9, post),
    frame(DATA, 1, 1, ''),
    frame(RST_STREAM, 0, 1, '\0\0\0\0'),
    frame(SETTINGS, 0, 0, '\0\x04\x7f\xff\xff\xff'),
    frame(SETTINGS, 0, 0, '\0\x04\0\0\0\0'),
    frame(WINDOW_UPDATE, 0, 0, '\x7f\xff\xff\xff'),
    frame(CONTINUATION, 4, 1, ''),
    '\0\0\0',
    '\xff',
  ],
  run(bytes) {
    const whole = verdictOf(bytes, Infinity)
    for (const splitBytes of [1, 13]) {
      const split = verdictOf(bytes, splitBytes)
      // After GOAWAY of the client, what stands behind it is looked at only when it came in the same read.
      const hasLeft = split.at(-1)?.endsWith(' 0') === true && split.at(-1)?.includes('GOAWAY') === true
      if (hasLeft) assert.deepEqual(whole.slice(0, split.length - 1), split.slice(0, -1))
      else assert.deepEqual(split, whole, `read by ${splitBytes} bytes`)
    }
  },
}
