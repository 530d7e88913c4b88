/** What an implementation of Transport brings along to be run through the shared suite. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transport } from '../../../src/net/transport.ts'
import { Recorder } from './recorder.ts'

export interface TransportPair {
  a: Transport
  b: Transport
  /** Lets go of whatever the pair holds (a listener); both transports are closed by then. */
  release: () => void
}

export interface TransportWorld {
  name: string
  pair: () => Promise<TransportPair>
  /** Returns when `condition` holds, or fails after a while. A virtual world advances its clock meanwhile. */
  until: (condition: () => boolean, what: string) => Promise<void>
  /** Lets about `ms` milliseconds pass. */
  rest: (ms: number) => Promise<void>
  /** One write arrives as one call of onBytes while it is small. A wire that splits says false. */
  keepsWrites: boolean
  /** `reset()` is seen as ECONNRESET by the peer (a unix socket shows an end). */
  showsResets: boolean
  /** 'real': each end knows both. 'none': a unix socket. 'made-up': a virtual wire may say what it likes. */
  addresses: 'real' | 'none' | 'made-up'
  /** It speaks TLS. */
  isEncrypted?: boolean
  /** More than the wire holds for a paused reader: a writer of this much is held up. */
  floodBytes: number
}

export interface PairTest {
  a: Transport
  b: Transport
  atA: Recorder
  atB: Recorder
}

export type OnPair = (sentence: string, body: (pair: PairTest) => Promise<void>) => void

/** A `test` that gets a fresh pair, and looks afterwards whether a promise about the order of events was broken. */
export function onPairOf(world: TransportWorld): OnPair {
  return (sentence, body) => {
    test(sentence, async () => {
      const pair = await world.pair()
      const atA = new Recorder()
      const atB = new Recorder()
      pair.a.events = atA
      pair.b.events = atB
      Recorder.broken = []
      try {
        await body({ ...pair, atA, atB })
        assert.deepEqual(Recorder.broken, [])
      } finally {
        pair.a.destroy()
        pair.b.destroy()
        await world.until(() => atA.closes.length === 1 && atB.closes.length === 1, 'both to close')
        pair.release()
      }
    })
  }
}
