/**
 * What a hit does with the fields of a stored answer: adopt them, add two, write them, clear.
 *
 *     node bench/micro/adopt.ts [rounds]
 */
import { Fields } from '../../src/http/fields.ts'
import { Field } from '../../src/http/known-fields.ts'
import { StoredFields } from '../../src/http/stored-fields.ts'

const rounds = Number(process.argv[2] ?? 3_000_000)
const source = new Fields()
const lines = [
  'Date: Sun, 06 Nov 1994 08:49:37 GMT',
  'Content-Type: text/html; charset=utf-8',
  'Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT',
  'ETag: "5f3a-1234"',
  'Cache-Control: public, max-age=86400',
  'Vary: Accept-Encoding',
  'X-Content-Type-Options: nosniff',
  'X-Frame-Options: DENY',
  'Referrer-Policy: same-origin',
  'Via: 1.1 headgate',
]
for (const line of lines) source.add(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2))
const stored = StoredFields.of(source)
const fields = new Fields()

function measure(name: string, once: () => number): void {
  let sum = 0
  for (let n = 0; n < 200_000; n++) sum += once()
  const begin = process.threadCpuUsage()
  for (let n = 0; n < rounds; n++) sum += once()
  const { user, system } = process.threadCpuUsage(begin)
  console.log(
    `${name.padEnd(40)} ${(((user + system) * 1000) / rounds).toFixed(0).padStart(5)} ns ${sum > 0 ? '' : '!'}`,
  )
}

measure('adopt, clear', () => {
  fields.adopt(stored)
  const { size } = fields
  fields.clear()
  return size
})
measure('adopt, add two, write, clear', () => {
  fields.adopt(stored)
  fields.addKnown(Field.AGE, '17')
  fields.addKnown(Field.CACHE_STATUS, 'headgate; hit')
  const { length } = fields.toWire()
  fields.clear()
  return length
})
measure('copyFrom, clear: what adopt saves', () => {
  fields.copyFrom(source)
  const { size } = fields
  fields.clear()
  return size
})
