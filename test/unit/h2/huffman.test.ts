import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeBits, codes, EOS } from '../../../src/h2/huffman-code.ts'
import { decodeHuffman, encodeHuffman, huffmanBytesMax } from '../../../src/h2/huffman.ts'
import { Random } from '../../sim/random.ts'

function coded(text: string): Buffer {
  const buffer = Buffer.alloc(text.length * 4 + 4)
  return buffer.subarray(0, encodeHuffman(text, buffer, 0))
}

function decodedText(bytes: Buffer): string | -1 {
  const into = Buffer.alloc(huffmanBytesMax(bytes.length))
  const length = decodeHuffman(bytes, 0, bytes.length, into)
  assert.ok(length <= into.length)
  return length < 0 ? -1 : into.toString('latin1', 0, length)
}

test('no code is the beginning of another, and none is missing (Kraft)', () => {
  let sum = 0
  for (const bits of codeBits) sum += 2 ** -bits
  assert.equal(sum, 1)
})

test('the codes are those of RFC 7541 Appendix B, at its ends and turns', () => {
  const known: [symbol: number, code: number, bits: number][] = [
    [0, 0x1ff8, 13],
    [1, 0x7fffd8, 23],
    [10, 0x3ffffffc, 30],
    [32, 0x14, 6],
    [48, 0x0, 5],
    [57, 0x1f, 6],
    [97, 0x3, 5],
    [116, 0x9, 5],
    [122, 0x7b, 7],
    [126, 0x1ffd, 13],
    [128, 0xfffe6, 20],
    [255, 0x3ffffee, 26],
    [EOS, 0x3fffffff, 30],
  ]
  for (const [symbol, code, bits] of known) assert.deepEqual([codes[symbol], codeBits[symbol]], [code, bits])
})

test('every byte, alone and beside every other, comes back', () => {
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) {
      const text = String.fromCharCode(a, b)
      assert.equal(decodedText(coded(text)), text)
    }
    const text = String.fromCharCode(a).repeat(9)
    assert.equal(decodedText(coded(text)), text)
  }
})

test('any text comes back; whatever is decoded and coded again is the same', () => {
  const random = new Random(1)
  for (let n = 0; n < 20_000; n++) {
    const bytes = Buffer.from(Array.from({ length: random.between(0, 24) }, () => random.between(0, 255)))
    const text = bytes.toString('latin1')
    assert.equal(decodedText(coded(text)), text)
    // There is one way to code a text.
    const meant = decodedText(bytes)
    if (meant !== -1) assert.deepEqual(coded(meant), bytes)
  }
})

test('padding is the beginning of EOS and shorter than 8 bits (RFC 7541 §5.2)', () => {
  for (let byte = 0; byte < 256; byte++) {
    const meant = decodedText(Buffer.of(byte))
    if (meant === -1) continue
    assert.equal(meant.length, 1)
    assert.deepEqual(coded(meant), Buffer.of(byte))
  }
  assert.equal(decodedText(Buffer.of(0xff)), -1)
  assert.equal(decodedText(Buffer.of(0x1f, 0xff)), -1)
})
