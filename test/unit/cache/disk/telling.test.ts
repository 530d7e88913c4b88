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

test('what a rule for parameters makes of a key is announced with it, shown when both are heard of, and settled with it', () => {
  const said: string[] = []
  const heard: (() => void)[] = []
  const sharing = {
    announce: (each: string, _isSoon: boolean, onHeard: () => void) => {
      said.push(`announced ${each}`)
      heard.push(onHeard)
      return true
    },
    writing: (each: string) => said.push(`writing ${each}`),
    done: (each: string) => said.push(`done ${each}`),
  }
  const telling = new Telling(
    sharing as unknown as Sharing,
    { jobs: (each: string) => (each === 'ruled' ? 1 : 0) } as unknown as Writer,
    { isSoon: () => false } as unknown as Arriving,
  )
  assert.ok(telling.onAnswer(key, true, () => void said.push('shown'), 'ruled'))
  for (const tell of heard) tell()
  assert.deepEqual(said.splice(0), [`announced ${key}`, 'announced ruled', 'shown'])
  telling.onAnswered(key, true)
  assert.deepEqual(said.splice(0), [`done ${key}`, 'writing ruled'])
  telling.onAnswered(key, true)
  assert.deepEqual(said, [`done ${key}`], 'what was settled is settled once')
})

test('one that nobody was told of settles nothing while an announced one is on its way', () => {
  const said: string[] = []
  const sharing = {
    announce: () => true,
    writing: (each: string) => said.push(`writing ${each}`),
    done: (each: string) => said.push(`done ${each}`),
  }
  const nothing = { jobs: () => 0, isSoon: () => false }
  const telling = new Telling(
    sharing as unknown as Sharing,
    nothing as unknown as Writer,
    nothing as unknown as Arriving,
  )
  assert.ok(telling.onAnswer(key, true, () => {}))
  telling.onAnswered(key, false)
  assert.deepEqual(said, [])
  telling.onAnswered(key, true)
  assert.deepEqual(said.splice(0), [`done ${key}`])
  telling.onAnswered(key, false)
  assert.deepEqual(said, [`done ${key}`], 'what was asked for and came to nothing is settled too')
})

test('a key is not settled while another answer to it is on its way to the disk', () => {
  assert.equal(toldAsSettled({ jobs: 2, finishing: 0 }), false)
  assert.equal(toldAsSettled({ jobs: 1, finishing: 1 }), false, 'a large one has no name yet')
})
