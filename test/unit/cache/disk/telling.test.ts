import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Arriving } from '../../../../src/cache/disk/arriving.ts'
import type { Sharing } from '../../../../src/cache/disk/sharing.ts'
import { Telling } from '../../../../src/cache/disk/telling.ts'
import type { Writer } from '../../../../src/cache/disk/writer.ts'

const key = 'https://a.example/b'

interface OnTheWay {
  /** Of the writer, and of large answers that are whole. */
  readonly jobs: number
  readonly finishing: number
}

/** What the others are told when one thing is written of so many that are on their way. */
function toldAsSettled({ jobs, finishing }: OnTheWay): boolean {
  const told: boolean[] = []
  const sharing = {
    added: (_name: string, _bytes: number, _key: string, isSettled: boolean) => told.push(isSettled),
  }
  const telling = new Telling(
    sharing as unknown as Sharing,
    { jobs: () => jobs } as unknown as Writer,
    { finishing: () => finishing } as unknown as Arriving,
  )
  telling.written('name', key, 100, [])
  assert.equal(told.length, 1)
  return told[0] === true
}

test('a key is settled by the last of its answers that is written', () => {
  assert.equal(toldAsSettled({ jobs: 1, finishing: 0 }), true)
  assert.equal(toldAsSettled({ jobs: 0, finishing: 1 }), true)
})

test('a key is not settled while another answer to it is on its way to the disk', () => {
  assert.equal(toldAsSettled({ jobs: 2, finishing: 0 }), false)
  assert.equal(toldAsSettled({ jobs: 1, finishing: 1 }), false, 'a large one has no name yet')
})
