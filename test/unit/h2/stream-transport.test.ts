/** The shared suite over upgraded streams: two bare sessions with one stream each, over the wire of the stories. */
import { Timers } from '../../../src/core/timers.ts'
import type { Fault } from '../../../src/core/faults.ts'
import { Session } from '../../../src/h2/session.ts'
import { settingsPayload } from '../../../src/h2/settings.ts'
import { SessionStream } from '../../../src/h2/stream.ts'
import { StreamTransport, type StreamHome } from '../../../src/h2/stream-transport.ts'
import { KeptBytes } from '../../../src/net/kept-bytes.ts'
import type { Transport } from '../../../src/net/transport.ts'
import { ManualClock } from '../../story/manual-clock.ts'
import { Wire } from '../../story/wire.ts'
import { transportSuite } from '../net/transport-suite.ts'

class BareStream extends SessionStream {
  tunnel: StreamTransport | null = null

  get keptBytes(): number {
    return this.tunnel?.keptBytes ?? 0
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.tunnel?.onData(buffer, start, end)
  }

  onRemoteEnd(): void {
    this.tunnel?.onRemoteEnd()
  }

  onReset(): void {
    this.tunnel?.onReset('ECONNRESET')
  }

  onSendRoom(): void {
    this.tunnel?.onSendRoom()
  }

  onLocalEnd(): void {
    this.tunnel?.onLocalEnd()
  }
}

class BareSession extends Session<BareStream> implements StreamHome {
  protected readonly headBytesMax = 32_768
  protected readonly isPeerServer = false

  constructor(transport: Transport, timers: Timers) {
    super(transport, timers, () => ({ givenBytes: 0, watchTaking() {}, stopWatching() {} }))
    transport.events = this
    this.begin(settingsPayload([]))
  }

  tunnel(): StreamTransport {
    const stream = new BareStream()
    stream.begin(1, this.peer.windowBytes)
    this.streams.set(1, stream)
    stream.tunnel = new StreamTransport(stream, this)
    stream.tunnel.open(new KeptBytes())
    return stream.tunnel
  }

  later(callback: () => void): void {
    this.timers.clock.after(0, callback)
  }

  consumedBy(stream: SessionStream): void {
    this.consumed(stream as BareStream)
  }

  cut(stream: SessionStream, code: number): void {
    if (!this.streams.has(stream.id)) return
    this.forget(stream as BareStream)
    if (!(stream.isLocalEnded && stream.isRemoteEnded)) this.resetId(stream.id, code)
  }

  protected isIdleId(): boolean {
    return false
  }

  protected onHeaderBlock(): void {}
  protected onGoaway(): void {}
  protected onPingAck(): void {}
  protected onSettings(): void {}
  protected onPriorityUpdate(): void {}
  protected onStreamBroken(): void {}
  onEnd(): void {}
  onClose(): void {}

  protected onFailed(fault: Fault): void {
    throw new Error(`the session failed: ${fault}`)
  }

  onDrain(): void {
    this.out.drained()
  }
}

let wire = new Wire()
let clock = new ManualClock()

function pass(ms: number): Promise<void> {
  wire.run()
  for (let i = 0; i <= ms; i++) {
    clock.advance(1)
    wire.run()
  }
  return Promise.resolve()
}

transportSuite({
  name: 'an upgraded stream of HTTP/2',
  async pair() {
    wire = new Wire()
    clock = new ManualClock()
    clock.onRan = () => wire.run()
    const timers = new Timers(clock)
    const [near, far] = wire.pair()
    const sessions = [new BareSession(near, timers), new BareSession(far, timers)] as const
    await pass(1)
    return { a: sessions[0].tunnel(), b: sessions[1].tunnel(), release() {} }
  },
  async until(condition, what) {
    for (let i = 0; i < 100 && !condition(); i++) await pass(1)
    if (!condition()) throw new Error(`waited in vain for ${what}`)
  },
  rest: pass,
  keepsWrites: false,
  showsResets: true,
  addresses: 'made-up',
  floodBytes: 4 * 1024 * 1024,
})
