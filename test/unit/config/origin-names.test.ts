import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OriginNames } from '../../../src/config/origin-names.ts'

test('a name that no origin has is told with the nearest that one has, or with those that there are', () => {
  const names = new OriginNames({ app: '127.0.0.1:1', images: '127.0.0.1:2' })
  assert.equal(names.use('app'), '')
  assert.equal(names.use('127.0.0.1:3000'), '')
  assert.match(names.use('ap'), /^there is no origin "ap"; did you mean "app"\?$/)
  assert.match(names.use('static'), /; there are "app", "images"; an address has a port, as in "static:80"$/)
  assert.deepEqual(names.unused, ['images'])
})

test('the nearest name is looked for two hundred times, and then no more', () => {
  const names = new OriginNames({ application: '127.0.0.1:1' })
  for (let i = 0; i < 200; i++) assert.match(names.use(`applicatio${i % 10}`), /did you mean "application"/)
  assert.match(names.use('applicatio0'), /; there are "application"; /)
})
