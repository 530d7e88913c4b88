import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RefusalNotes } from '../../../../src/tls/acme/refusal-notes.ts'
import { ManualClock } from '../../../story/manual-clock.ts'

test('of names refused for one reason one is told a second, and how many there were before it', () => {
  const clock = new ManualClock()
  const told: string[] = []
  const notes = new RefusalNotes(clock, (sentence) => told.push(sentence))
  for (const name of ['a.example', 'b.example', 'c.example']) notes.tell(name, 'it is not asked for')
  notes.tell('d.example', 'it is too long')
  clock.advance(1000)
  notes.tell('e.example', 'it is not asked for')
  assert.deepEqual(told, [
    'no certificate for a.example on demand: it is not asked for',
    'no certificate for d.example on demand: it is too long',
    'no certificate for e.example on demand: it is not asked for; nor for 2 names before it',
  ])
})

test('sixteen reasons are remembered, and a seventeenth makes all forgotten', () => {
  const told: string[] = []
  const notes = new RefusalNotes(new ManualClock(), (sentence) => told.push(sentence))
  const tellAll = (count: number): number => {
    told.length = 0
    for (let i = 0; i < count; i++) notes.tell('a.example', `reason ${i}`)
    return told.length
  }
  assert.equal(tellAll(16), 16)
  assert.equal(tellAll(16), 0)
  assert.equal(tellAll(17), 1)
  assert.equal(tellAll(16), 16)
})
