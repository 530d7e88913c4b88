/**
 * ScriptedServe: stands in for the engine, so that a protocol server can be told what to answer and when. It checks what
 * a server owes the engine: each exchange begun is finished once, and is clean when it comes back.
 */
import assert from 'node:assert/strict'
import { faultRow, type Fault } from '../../src/core/faults.ts'
import type { BodySink } from '../../src/http/body.ts'
import { Exchange, type Downstream, type Serve } from '../../src/http/exchange.ts'
import type { Fields } from '../../src/http/fields.ts'
import { noWalk } from '../../src/http/no-walk.ts'

export class ScriptedServe implements Serve {
  /** What happened, in order: 'serve GET /a', 'refuse host_missing', 'abandon client_gone', 'finish GET /a'. */
  readonly log: string[] = []
  /** Exchanges begun and not finished. */
  readonly open = new Set<Exchange>()
  onServe: (x: Exchange) => void = (x) => answer(x, 200, `${x.request.method} ${x.request.target}`)
  onAbandon: (x: Exchange) => void = () => {}
  readonly #free: Exchange[] = []

  begin(down: Downstream): Exchange {
    const x = this.#free.pop() ?? new Exchange()
    x.begin(down, noWalk, 0)
    this.open.add(x)
    return x
  }

  serve(x: Exchange): void {
    this.log.push(`serve ${x.request.method} ${x.request.target}`)
    this.onServe(x)
  }

  refuse(x: Exchange, fault: Fault): void {
    const { name, status } = faultRow(fault)
    this.log.push(`refuse ${name}`)
    if (status === 0) x.down.abort(fault)
    else answer(x, status, name)
  }

  abandon(x: Exchange, fault: Fault): void {
    this.log.push(`abandon ${faultRow(fault).name}`)
    this.onAbandon(x)
  }

  finish(x: Exchange): void {
    assert.ok(this.open.delete(x), 'finished twice')
    this.log.push(`finish ${x.request.method} ${x.request.target}`)
    assert.ok(x.body.isFinished, 'the body is finished or given up')
    x.isFinished = true
    x.reset()
    this.#free.push(x)
  }
}

/** Answers whole. */
export function answer(x: Exchange, status: number, body: string): void {
  x.response.status = status
  x.down.sendWhole(x, body === '' ? null : Buffer.from(body, 'latin1'))
}

/** Sends the head of an answer whose body is to follow. */
export function answerHead(x: Exchange, status: number, bodyLength: number): void {
  x.response.status = status
  x.response.bodyLength = bodyLength
  x.down.sendHead(x)
}

export function writeText(sink: BodySink, text: string): boolean {
  const bytes = Buffer.from(text, 'latin1')
  return sink.write(bytes, 0, bytes.length)
}

/** Takes a body and keeps it. */
export class CollectingSink implements BodySink {
  readonly forwardsExpect: boolean
  text = ''
  bytes = 0
  /** 'open', 'whole', or the name of the fault. */
  state = 'open'
  trailers: string[] | null = null
  /** What `write` answers. */
  flows = true
  writes = 0
  onWhole: () => void = () => {}
  onBroken: (fault: Fault) => void = () => {}

  constructor(forwardsExpect = false) {
    this.forwardsExpect = forwardsExpect
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    if (this.text.length < 100_000) this.text += buffer.toString('latin1', start, end)
    this.bytes += end - start
    this.writes++
    return this.flows
  }

  end(trailers: Fields | null): void {
    this.state = 'whole'
    this.trailers = trailers === null ? null : trailers.toArray()
    this.onWhole()
  }

  abort(fault: Fault): void {
    this.state = faultRow(fault).name
    this.onBroken(fault)
  }
}
