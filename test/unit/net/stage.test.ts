/** The stage on its own: who is on it, when it is sent, and that nothing of it is lost or mixed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dropStageOf,
  enterEvent,
  leaveEvent,
  sendStageOf,
  stageBytes,
  stageBytesMax,
  stagedBytes,
  stageText,
  takeStageOf,
  type StageOwner,
} from '../../../src/net/stage.ts'

class Writer implements StageOwner {
  sent: string[] = []
  onSent: () => void = () => {}

  sendStaged(buffer: Buffer, length: number): void {
    this.sent.push(buffer.toString('latin1', 0, length))
    this.onSent()
  }
}

function inEvent(action: () => void): void {
  enterEvent()
  try {
    action()
  } finally {
    leaveEvent()
  }
}

test('the stage is sent when the outermost event ends, not before', () => {
  const writer = new Writer()
  inEvent(() => {
    stageText(writer, 'a')
    inEvent(() => stageText(writer, 'b'))
    assert.deepEqual(writer.sent, [])
    assert.equal(stagedBytes(writer), 2)
  })
  assert.deepEqual(writer.sent, ['ab'])
  assert.equal(stagedBytes(writer), 0)
})

test('the stage is sent when the handling of an event throws', () => {
  const writer = new Writer()
  assert.throws(() =>
    inEvent(() => {
      stageText(writer, 'said')
      throw new Error('a bug')
    }),
  )
  assert.deepEqual(writer.sent, ['said'])
})

test('outside of events it is sent by a microtask', async () => {
  const writer = new Writer()
  stageText(writer, 'a')
  stageText(writer, 'b')
  assert.deepEqual(writer.sent, [])
  await Promise.resolve()
  assert.deepEqual(writer.sent, ['ab'])
})

test('what was staged outside of events and then continued within one is sent once', async () => {
  const writer = new Writer()
  stageText(writer, 'a')
  inEvent(() => stageText(writer, 'b'))
  assert.deepEqual(writer.sent, ['ab'])
  await Promise.resolve()
  assert.deepEqual(writer.sent, ['ab'])
})

test('another writer sends the first one before it takes the stage', () => {
  const one = new Writer()
  const two = new Writer()
  inEvent(() => {
    stageText(one, 'one')
    stageText(two, 'two')
    assert.deepEqual(one.sent, ['one'])
    assert.equal(stagedBytes(one), 0)
    sendStageOf(one)
    assert.deepEqual(two.sent, [])
    stageText(one, 'more')
  })
  assert.deepEqual([one.sent, two.sent], [['one', 'more'], ['two']])
})

test('what exceeds the stage is sent before, and nothing is lost', () => {
  const writer = new Writer()
  const half = 'x'.repeat(stageBytesMax / 2 + 1)
  inEvent(() => {
    stageText(writer, half)
    stageText(writer, half)
    stageBytes(writer, Buffer.from(half), 0, half.length)
    stageText(writer, 'y'.repeat(stageBytesMax))
  })
  assert.deepEqual(
    writer.sent.map((text) => text.length),
    [half.length, half.length, half.length, stageBytesMax],
  )
})

test('dropping forgets what is staged; taking hands it out once', () => {
  const writer = new Writer()
  inEvent(() => {
    stageText(writer, 'gone')
    dropStageOf(writer)
    stageText(writer, 'taken')
    assert.equal(takeStageOf(writer).toString(), 'taken')
    assert.equal(takeStageOf(writer).length, 0)
  })
  assert.deepEqual(writer.sent, [])
})

test('a writer that writes again as it is sent loses nothing', () => {
  const writer = new Writer()
  writer.onSent = () => {
    writer.onSent = () => {}
    stageText(writer, 'second')
  }
  inEvent(() => {
    stageText(writer, 'first')
    sendStageOf(writer)
  })
  assert.deepEqual(writer.sent, ['first', 'second'])
})
