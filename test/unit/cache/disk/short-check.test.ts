import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { shortBytes, shortCheck } from '../../../../src/cache/disk/short-check.ts'

test('a checksum of a few bytes is the one that files are written with', () => {
  const bytes = Uint8Array.from({ length: 2 * shortBytes }, (_, i) => (i * 167 + 255) & 255)
  for (let length = 0; length <= shortBytes; length++) {
    for (const start of [0, 1, 36]) {
      const expected = crc32(bytes.subarray(start, start + length))
      assert.equal(shortCheck(bytes, start, start + length), expected, `${length} bytes from ${start}`)
    }
  }
})
