/** The part of the transport suite about bytes on their way: writing, staging, back-pressure. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe } from 'node:test'
import { call, everyLatin1, pattern, sha256 } from './recorder.ts'
import type { OnPair, TransportWorld } from './transport-world.ts'

export function flowTests(world: TransportWorld, onPair: OnPair): void {
  const { until } = world
  describe('writing', () => {
    onPair('text and bytes arrive whole and in the order written', async ({ a, atB }) => {
      const bytes = pattern(3000)
      call(() => a.writeText(everyLatin1))
      call(() => a.writeBytes(bytes, 10, 2990))
      call(() => a.writeText('end'))
      await until(() => atB.bytes === 256 + 2980 + 3, 'all bytes')
      assert.equal(atB.text, everyLatin1 + bytes.toString('latin1', 10, 2990) + 'end')
    })

    onPair('a text larger than any buffer arrives whole', async ({ a, atB }) => {
      const text = everyLatin1.repeat(1200)
      call(() => a.writeText('<'))
      call(() => a.writeText(text))
      call(() => a.writeText('>'))
      await until(() => atB.bytes === text.length + 2, 'all bytes')
      assert.equal(atB.text, `<${text}>`)
    })

    onPair('an empty write is harmless', async ({ a, atB }) => {
      assert.equal(
        call(() => a.writeText('')),
        true,
      )
      assert.equal(
        call(() => a.writeBytes(Buffer.alloc(8), 4, 4)),
        true,
      )
      call(() => a.writeText('x'))
      await until(() => atB.bytes === 1, 'the byte')
    })

    for (const size of [1, 100, 16 * 1024, 64 * 1024, 300 * 1024]) {
      onPair(
        `${size} bytes are taken before the write returns: what happens to the buffer later is not seen`,
        async ({ a, atB }) => {
          const bytes = pattern(size, size)
          const expected = sha256(bytes)
          atB.keepsText = false
          call(() => a.writeBytes(bytes, 0, size))
          bytes.fill(0xdb)
          await until(() => atB.bytes === size, 'all bytes')
          assert.equal(atB.hash.digest('hex'), expected)
        },
      )
    }

    onPair('what is written within one event leaves in one write', async ({ a, b, atA, atB }) => {
      atB.onRead = () => {
        b.writeText('one, ')
        b.writeBytes(Buffer.from('--two, --'), 2, 7)
        b.writeText('three')
      }
      call(() => a.writeText('go'))
      await until(() => atA.bytes === 15, 'the answer')
      assert.equal(atA.text, 'one, two, three')
      if (world.keepsWrites) assert.equal(atA.reads, 1)
    })

    onPair('what is written outside of an event leaves in one write soon after', async ({ a, atB }) => {
      call(() => a.writeText('one, '))
      call(() => a.writeText('two'))
      await until(() => atB.bytes === 8, 'the bytes')
      if (world.keepsWrites) assert.equal(atB.reads, 1)
    })

    onPair('flush sends the stage at once', async ({ a, atB }) => {
      call(() => a.writeText('now'))
      assert.equal(a.unsentBytes, 3)
      call(() => a.flush())
      assert.equal(a.unsentBytes, 0)
      call(() => a.flush())
      call(() => a.writeText(' then'))
      await until(() => atB.bytes === 8, 'the bytes')
      assert.equal(atB.text, 'now then')
    })

    onPair('many small questions and answers in turn arrive whole', async ({ a, b, atA, atB }) => {
      const rounds = 300
      atB.onRead = () => b.writeText(answerTo(atB.bytes))
      atA.onRead = () => {
        if (atA.bytes < rounds) a.writeText('?')
      }
      call(() => a.writeText('?'))
      await until(() => atA.bytes === rounds, 'the last answer')
      assert.equal(atB.text, '?'.repeat(rounds))
      assert.equal(atA.text, Array.from({ length: rounds }, (_, i) => answerTo(i + 1)).join(''))
    })

    onPair('two transports written in turns within one event do not mix', async ({ a, b, atA, atB }) => {
      const toA = pattern(40_000, 7)
      const toB = pattern(40_000, 8)
      for (let at = 0; at < 40_000; at += 4000) {
        call(() => a.writeBytes(toB, at, at + 4000))
        call(() => b.writeBytes(toA, at, at + 4000))
      }
      await until(() => atA.bytes === 40_000 && atB.bytes === 40_000, 'both')
      assert.equal(atA.hash.digest('hex'), sha256(toA))
      assert.equal(atB.hash.digest('hex'), sha256(toB))
    })

    onPair('small and large writes keep their order', async ({ a, atB }) => {
      const bytes = pattern(500_000, 3)
      const sizes = [1, 20_000, 3, 70_000, 16_384, 16_383, 5, 200_000, 9]
      let at = 0
      for (const size of sizes) {
        call(() => a.writeBytes(bytes, at, at + size))
        at += size
      }
      const sent = at
      atB.keepsText = false
      await until(() => atB.bytes === sent, 'all bytes')
      assert.equal(atB.hash.digest('hex'), sha256(bytes.subarray(0, sent)))
    })

    onPair('the counters count what was read and written', async ({ a, b, atA, atB }) => {
      call(() => a.writeText('12345'))
      call(() => b.writeBytes(pattern(30_000), 0, 30_000))
      await until(() => atA.bytes === 30_000 && atB.bytes === 5, 'both')
      assert.deepEqual([a.bytesWritten, a.bytesRead, b.bytesWritten, b.bytesRead], [5, 30_000, 30_000, 5])
    })
  })

  describe('back-pressure', () => {
    onPair(
      'a reader that stops makes writes return false; the drain comes once all has left',
      async ({ a, b, atA, atB }) => {
        atB.keepsText = false
        call(() => b.pause())
        const chunk = pattern(50_000, 5)
        const expected = createHash('sha256')
        let written = 0
        let hasRoom = true
        // Refused, and still not gone after a while: now the kernels are full.
        while (hasRoom || a.unsentBytes === 0) {
          chunk.writeUInt32LE(written, 0)
          hasRoom = call(() => a.writeBytes(chunk, 0, chunk.length))
          expected.update(chunk)
          written += chunk.length
          assert.ok(written <= world.floodBytes, 'never refused')
          await world.rest(0)
        }
        const drainsBefore = atA.drains
        await world.rest(30)
        assert.equal(atA.drains, drainsBefore)
        assert.ok(a.unsentBytes > 0)
        assert.equal(a.bytesWritten, written - a.unsentBytes)
        const refused = chunk.fill(0x61)
        // Taken all the same, and still false.
        assert.equal(
          call(() => a.writeBytes(refused, 0, refused.length)),
          false,
        )
        expected.update(refused)
        written += refused.length
        call(() => b.resume())
        await until(() => atA.drains === drainsBefore + 1, 'the drain')
        assert.equal(a.unsentBytes, 0)
        await until(() => atB.bytes === written, 'all bytes')
        await world.rest(10)
        assert.equal(atA.drains, drainsBefore + 1)
        assert.equal(atB.hash.digest('hex'), expected.digest('hex'))
      },
    )

    onPair('no drain comes when no write was refused', async ({ a, atA, atB }) => {
      call(() => a.writeBytes(pattern(1000), 0, 1000))
      await until(() => atB.bytes === 1000, 'the bytes')
      await world.rest(10)
      assert.equal(atA.drains, 0)
    })

    onPair('nothing is read while paused, and nothing is lost', async ({ a, b, atB }) => {
      call(() => b.pause())
      assert.equal(b.isPaused, true)
      call(() => a.writeText('later'))
      await world.rest(30)
      assert.equal(atB.bytes, 0)
      call(() => b.resume())
      assert.equal(b.isPaused, false)
      await until(() => atB.text === 'later', 'the bytes')
    })

    onPair('pausing within onBytes holds back what follows', async ({ a, b, atB }) => {
      atB.onRead = () => b.pause()
      atB.keepsText = false
      const bytes = pattern(1_000_000, 9)
      call(() => a.writeBytes(bytes, 0, bytes.length))
      await until(() => atB.reads === 1, 'the first bytes')
      const first = atB.bytes
      await world.rest(30)
      assert.equal(atB.bytes, first)
      atB.onRead = () => {}
      call(() => b.resume())
      await until(() => atB.bytes === bytes.length, 'the rest')
      assert.equal(atB.hash.digest('hex'), sha256(bytes))
    })

    onPair('pausing and resuming twice is as once', async ({ a, b, atB }) => {
      call(() => b.pause())
      call(() => b.pause())
      call(() => b.resume())
      call(() => b.resume())
      call(() => a.writeText('x'))
      await until(() => atB.bytes === 1, 'the byte')
    })
  })
}

function answerTo(count: number): string {
  return String.fromCharCode(0x61 + (count % 26))
}
