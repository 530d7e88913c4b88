/** The part of the transport suite about the end of a connection: FIN, close, reset, a peer that is gone. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { call, pattern, sha256 } from './recorder.ts'
import type { OnPair, TransportWorld } from './transport-world.ts'

export function closeTests(world: TransportWorld, onPair: OnPair): void {
  const { until } = world
  describe('ending', () => {
    onPair(
      'end sends what was written, then FIN; reading goes on; both FINs close it',
      async ({ a, b, atA, atB }) => {
        call(() => a.writeText('last words'))
        call(() => a.end())
        await until(() => atB.ends === 1, 'the FIN')
        assert.equal(atB.text, 'last words')
        await world.rest(10)
        assert.deepEqual([atA.closes, atB.closes], [[], []])
        call(() => b.writeText('heard'))
        await until(() => atA.text === 'heard', 'the answer')
        call(() => b.end())
        await until(() => atA.closes.length === 1 && atB.closes.length === 1, 'the close')
        assert.deepEqual([atA.closes, atB.closes, atA.ends, atB.ends], [[''], [''], 1, 1])
        assert.equal(a.isOpen, false)
      },
    )

    onPair(
      'FIN comes after a large amount that was held up, and the amount is whole',
      async ({ a, b, atB }) => {
        atB.keepsText = false
        const bytes = pattern(world.floodBytes, 11)
        call(() => b.pause())
        call(() => a.writeBytes(bytes, 0, bytes.length))
        call(() => a.end())
        await world.rest(10)
        call(() => b.resume())
        await until(() => atB.ends === 1, 'the FIN')
        assert.equal(atB.bytes, bytes.length)
        assert.equal(atB.hash.digest('hex'), sha256(bytes))
      },
    )

    onPair('what is written after end is dropped, and end twice is as once', async ({ a, atB }) => {
      call(() => a.writeText('a'))
      call(() => a.end())
      assert.equal(
        call(() => a.writeText('b')),
        true,
      )
      call(() => a.end())
      await until(() => atB.ends === 1, 'the FIN')
      assert.equal(atB.text, 'a')
    })

    onPair(
      'FIN that arrived while paused is told after resuming, and after the bytes',
      async ({ a, b, atB }) => {
        call(() => b.pause())
        call(() => a.writeText('before'))
        call(() => a.end())
        await world.rest(30)
        assert.equal(atB.ends, 0)
        call(() => b.resume())
        await until(() => atB.ends === 1, 'the FIN')
        assert.equal(atB.text, 'before')
      },
    )
  })

  describe('closing', () => {
    onPair(
      'destroy closes: onClose comes once, in a turn of its own, without an error',
      async ({ a, atA, atB }) => {
        call(() => a.destroy())
        assert.equal(a.isOpen, false)
        assert.deepEqual(atA.closes, [])
        call(() => a.destroy())
        call(() => a.reset())
        await until(() => atA.closes.length === 1, 'the close')
        assert.deepEqual(atA.closes, [''])
        await until(() => atB.ends + atB.closes.length > 0, 'the peer to notice')
      },
    )

    onPair('destroyed within onBytes, it delivers nothing more but the close', async ({ a, b, atA, atB }) => {
      atB.onRead = () => b.destroy()
      atB.keepsText = false
      atA.keepsText = false
      const bytes = pattern(1_000_000, 2)
      call(() => a.writeBytes(bytes, 0, bytes.length))
      await until(() => atB.closes.length === 1, 'the close')
      assert.equal(atB.reads, 1)
      assert.deepEqual(atB.closes, [''])
    })

    onPair('writes to a closed transport are dropped without a word', async ({ a, atA }) => {
      call(() => a.destroy())
      const bytes = pattern(100_000)
      const use = (): void => {
        assert.equal(a.writeText('x'), true)
        assert.equal(a.writeBytes(bytes, 0, bytes.length), true)
        a.flush()
        a.end()
        a.pause()
        a.resume()
      }
      call(use)
      await until(() => atA.closes.length === 1, 'the close')
      call(use)
      assert.equal(a.unsentBytes, 0)
      assert.equal(a.isOpen, false)
    })

    onPair('a reset that follows an end at once closes as well', async ({ a, atA, atB }) => {
      call(() => a.writeText('all'))
      call(() => {
        a.end()
        a.reset()
      })
      await until(() => atA.closes.length === 1, 'the close')
      await until(() => atB.ends + atB.closes.length > 0, 'the peer to notice')
    })

    onPair('a reset of what was ended before, and its peer not, closes as well', async ({ a, atA, atB }) => {
      call(() => a.end())
      await until(() => atB.ends === 1, 'the FIN')
      call(() => a.reset())
      await until(() => atA.closes.length === 1, 'the close')
    })

    onPair('reset closes, and shows the peer that it has not got all', async ({ a, atA, atB }) => {
      call(() => a.writeText('half'))
      await until(() => atB.text === 'half', 'the half')
      call(() => a.reset())
      assert.equal(a.isOpen, false)
      await until(() => atA.closes.length === 1, 'the close')
      assert.deepEqual(atA.closes, [''])
      if (world.showsResets) {
        await until(() => atB.closes.length === 1, 'the reset')
        assert.deepEqual([atB.ends, atB.closes], [0, ['ECONNRESET']])
      }
    })

    onPair('reset after end closes too, whether or not all had left', async ({ a, b, atA }) => {
      call(() => b.pause())
      const bytes = pattern(world.floodBytes, 4)
      call(() => a.writeBytes(bytes, 0, bytes.length))
      call(() => a.end())
      await world.rest(5)
      call(() => a.reset())
      await until(() => atA.closes.length === 1, 'the close')
      assert.deepEqual(atA.closes, [''])
    })

    onPair('a peer that is gone is told as ECONNRESET to a writer', async ({ a, b, atA }) => {
      // Unread bytes at the one that closes make it a reset, also without SO_LINGER.
      call(() => b.pause())
      call(() => a.writeText('never read'))
      await world.rest(10)
      call(() => (world.showsResets ? b.reset() : b.destroy()))
      await world.rest(10)
      const bytes = pattern(50_000)
      while (atA.closes.length === 0 && atA.ends === 0) {
        call(() => a.writeBytes(bytes, 0, bytes.length))
        await world.rest(1)
      }
      if (atA.closes.length === 0) {
        call(() => a.writeBytes(bytes, 0, bytes.length))
        await until(() => atA.closes.length === 1, 'the close')
      }
      assert.deepEqual(atA.closes, ['ECONNRESET'])
    })
  })

  describe('closing after FIN', () => {
    onPair(
      'a peer that sent FIN and is gone is told as ECONNRESET to a writer, and does not linger',
      async ({ a, b, atA }) => {
        call(() => b.end())
        await until(() => atA.ends === 1, 'the FIN')
        call(() => b.destroy())
        const bytes = pattern(50_000)
        for (let i = 0; i < 1000 && atA.closes.length === 0; i++) {
          call(() => a.writeBytes(bytes, 0, bytes.length))
          await world.rest(1)
        }
        assert.deepEqual(atA.closes, ['ECONNRESET'])
      },
    )
  })
}
