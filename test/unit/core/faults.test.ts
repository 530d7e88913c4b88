import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultCount, faultRow, Faults, NONE } from '../../../src/core/faults.ts'

const all = Object.entries(Faults)

test('every fault has a row of its own, and a name of its own', () => {
  const names = new Set(all.map(([, fault]) => faultRow(fault).name))
  assert.equal(new Set(Object.values(Faults)).size, all.length)
  assert.equal(names.size, all.length)
  assert.equal(faultCount, all.length + 1)
})

test('a number that is no fault reads as an internal error, and 0 as none', () => {
  for (const fault of [-1, faultCount, 10_000, 1.5, NaN])
    assert.equal(faultRow(fault), faultRow(Faults.INTERNAL))
  assert.equal(faultRow(NONE).name, 'none')
})

test('a status is that of an error answer, or 0 for nobody to answer', () => {
  for (const [key, fault] of all) {
    const { status } = faultRow(fault)
    assert.ok(status === 0 || (status >= 400 && status <= 599), key)
  }
})

test('what a client did is not tried again, and what an origin did gives a 5xx', () => {
  for (const [key, fault] of all) {
    const row = faultRow(fault)
    if (row.retry !== 'never') assert.notEqual(row.side, 'client', key)
    if (row.side === 'origin') assert.ok(row.status >= 500, key)
  }
})

test('what cannot be read closes the connection, since nobody knows where the next request begins', () => {
  for (const [key, fault] of all) {
    const row = faultRow(fault)
    if (row.proxyStatus === 'http_request_error' && row.side === 'client' && row.status === 400)
      assert.equal(row.closes, true, key)
  }
})

test('a sentence is one, and names no address', () => {
  for (const [key, fault] of all) {
    assert.match(faultRow(fault).sentence, /^[A-Z].*\.$/, key)
    assert.doesNotMatch(faultRow(fault).sentence, /\d+\.\d+\.\d+\.\d+/, key)
  }
})

test('the errors of the table are those of RFC 9209 §2.3, or none', () => {
  for (const [key, fault] of all) assert.match(faultRow(fault).proxyStatus, /^[a-z_]+$/, key)
})
