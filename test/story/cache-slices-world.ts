/** A cache that keeps slices, before an origin that serves one object by ranges, or does not. */
import type { Disk } from '../../src/cache/disk/disk.ts'
import { CacheWorld } from './cache-world.ts'
import { patternOf } from './cache-serve-world.ts'
import type { ProxySetting } from './proxy-world.ts'

export const sliceBytes: number = 64 * 1024

export interface SlicedObject {
  length: number
  /** As in ETag; '' for none. */
  etag: string
  fields: string
  /** 'ranges': as RFC 9110 has it. Others: what origins do that have it not. */
  habit: 'ranges' | 'whole' | 'no-length' | 'wrong-part' | 'ignores-if-range'
}

export class SlicesWorld extends CacheWorld {
  readonly object: SlicedObject
  /** Range of every request that the origin was asked, '' for none. */
  readonly ranges: string[] = []

  /** `disk`: where slices are kept too. */
  constructor(
    object: Partial<SlicedObject> = {},
    slice: object = {},
    setting: ProxySetting = {},
    disk?: Disk,
  ) {
    const top = { memory: '8MiB', ...(disk && { disk: '/cache' }) } as const
    super({ slice: sliceBytes, ...slice }, setting, top, disk)
    this.object = {
      length: 5 * sliceBytes + 100,
      etag: '"v1"',
      fields: 'Cache-Control: max-age=60\r\n',
      habit: 'ranges',
      ...object,
    }
  }

  /** The bytes of the object as its version has them. */
  get whole(): string {
    const { length, etag } = this.object
    return Buffer.from(patternOf(length).map((byte) => byte + etag.length)).toString('latin1')
  }

  /** Has the origin answer what it has been asked, until nobody asks any more. Gives the ranges asked. */
  serve(): string[] {
    const before = this.ranges.length
    for (let isBusy = true; isBusy;) {
      isBusy = false
      for (const peer of this.accepted) {
        const request = peer.take()
        if (request === '') continue
        isBusy = true
        this.ranges.push(/^range: bytes=(.*)$/im.exec(request)?.[1]?.trim() ?? '')
        peer.say(this.#answerOf(request))
      }
    }
    return this.ranges.slice(before)
  }

  #answerOf(request: string): string {
    const { etag, fields, habit, length } = this.object
    const given = (name: string): string =>
      new RegExp(`^${name}: (.*)$`, 'im').exec(request)?.[1]?.trim() ?? ''
    const head = `${fields}${etag === '' ? '' : `ETag: ${etag}\r\n`}`
    if (etag !== '' && given('if-none-match') === etag) return `HTTP/1.1 304 Not Modified\r\n${head}\r\n`
    const range = /^bytes=(\d+)-(\d*)$/.exec(given('range'))
    const isForOther = given('if-range') !== '' && given('if-range') !== etag && habit !== 'ignores-if-range'
    if (range === null || isForOther || habit === 'whole') {
      return `HTTP/1.1 200 OK\r\n${head}Content-Length: ${length}\r\n\r\n${this.whole}`
    }
    const first = Number(range[1])
    const last = Math.min(range[2] === '' ? Infinity : Number(range[2]), length - 1)
    if (first >= length) {
      return `HTTP/1.1 416 Range Not Satisfiable\r\n${head}Content-Range: bytes */${length}\r\nContent-Length: 0\r\n\r\n`
    }
    const body = this.whole.slice(first, last + 1)
    const told = `bytes ${habit === 'wrong-part' ? first + 1 : first}-${last}/${habit === 'no-length' ? '*' : length}`
    return `HTTP/1.1 206 Partial Content\r\n${head}Content-Range: ${told}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
}
