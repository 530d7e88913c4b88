/**
 * A connection of a simulated origin that speaks HTTP/2: the half that answers, as the script of each request says.
 */
import { ErrorCode, FrameType } from '../../src/h2/frames.ts'
import { frameOf } from './h2-frames.ts'
import { endStream, H2OriginReading, type Stream } from './h2-origin-reading.ts'
import { pattern } from './pattern.ts'
import { isBodiless } from './script.ts'

const none = Buffer.alloc(0)

export class H2OriginConnection extends H2OriginReading {
  protected process(stream: Stream, expects: boolean): void {
    const { record } = stream
    if (this.streams.get(stream.id) !== stream || this.isFrozen || !this.transport.isOpen) return
    stream.isProcessed = true
    record.originHeads++
    const { answer } = record.script
    if (expects && !answer.early) {
      record.saidContinueAtMs = this.world.nowMs()
      this.#head(stream, [[':status', '100']], false)
    }
    if (answer.early) this.#answerSoon(stream)
    else this.goOnWith(stream)
  }

  protected goOnWith(stream: Stream): void {
    if (stream.hasAnswered) this.over(stream)
    else if (stream.isRequestWhole && !stream.isAnswering) this.#answerSoon(stream)
  }

  #answerSoon(stream: Stream): void {
    stream.isAnswering = true
    this.world.after(stream.record.script.answer.thinkMs, () => {
      if (this.streams.get(stream.id) === stream && !this.isFrozen) this.#answer(stream)
    })
  }

  #answer(stream: Stream): void {
    const { record } = stream
    const { script } = record
    const { answer } = script
    if (answer.fault === 'silent') return
    if (answer.fault === 'die-before') return this.#die(stream)
    if (answer.fault === 'garbage') return this.#talkNonsense(stream)
    for (let i = 0; i < answer.informational; i++)
      this.#head(
        stream,
        [
          [':status', '103'],
          ['link', '</a.css>; rel=preload'],
        ],
        false,
      )
    record.originAnswered = true
    const bodiless = isBodiless(script)
    const list: [string, string][] = [
      [':status', String(answer.status)],
      ['x-sim', String(script.id)],
      ['server', 'secret/1.0'],
    ]
    const saysLength = answer.framing === 'length' && answer.status !== 204 && answer.status !== 304
    if (saysLength) list.push(['content-length', String(answer.bytes)])
    const ends =
      bodiless || (answer.bytes === 0 && !this.#hasTrailers(stream) && this.world.random.chance(0.5))
    this.#head(stream, list, ends)
    if (ends) this.#answered(stream)
    else this.#body(stream, 0)
  }

  #hasTrailers({ record: { script } }: Stream): boolean {
    return script.answer.trailers && script.answer.framing === 'chunked' && !isBodiless(script)
  }

  /** A header block, now and then in several frames. */
  #head(stream: Stream, list: readonly (readonly [string, string])[], ends: boolean): void {
    const whole = this.codec.headers(stream.id, list, ends)
    const block = whole.subarray(9)
    const { random } = this.world
    if (block.length < 2 || random.chance(0.7)) return void this.say(whole)
    const at = random.between(1, block.length - 1)
    this.say(frameOf(FrameType.HEADERS, ends ? endStream : 0, stream.id, block.subarray(0, at)))
    this.say(frameOf(FrameType.CONTINUATION, 4, stream.id, block.subarray(at)))
  }

  #body(stream: Stream, at: number): void {
    if (this.streams.get(stream.id) !== stream || this.isFrozen || !this.transport.isOpen) return
    const { answer, id } = stream.record.script
    const { random } = this.world
    const total = answer.bytes
    const cutAt = answer.fault.endsWith('-mid') ? Math.floor(total / 2) : -1
    if (cutAt >= 0 && at >= cutAt) return this.#breakOff(stream)
    if (at === total) return this.#endAnswer(stream)
    const end = cutAt > at ? cutAt : total
    const room = Math.min(end - at, stream.sendWindow, this.sendWindow, random.between(1, 8192))
    if (room <= 0) return void this.waiting.push(() => this.#body(stream, at))
    const to = at + room
    stream.sendWindow -= room
    this.sendWindow -= room
    const isLast = to === total && !this.#hasTrailers(stream) && cutAt < 0 && random.chance(0.7)
    const flows = this.say(frameOf(FrameType.DATA, isLast ? endStream : 0, stream.id, pattern(id, at, to)))
    if (isLast) return this.#answered(stream)
    if (!flows) this.waiting.push(() => this.#body(stream, to))
    else this.world.after(answer.gapMs, () => this.#body(stream, to))
  }

  #endAnswer(stream: Stream): void {
    const { id } = stream.record.script
    if (this.#hasTrailers(stream)) this.#head(stream, [['x-end', `end-${id}`]], true)
    else this.say(frameOf(FrameType.DATA, endStream, stream.id, none))
    this.#answered(stream)
  }

  #answered(stream: Stream): void {
    const { answer } = stream.record.script
    stream.isAnswering = false
    stream.hasAnswered = true
    // To a stream that has ended; it must hurt nobody else.
    if (answer.fault === 'extra') this.say(frameOf(FrameType.DATA, 0, stream.id, none))
    if (answer.closes && this.world.random.chance(0.5)) this.leave()
    if (stream.isRequestWhole) this.over(stream)
    // It needs no more of the request (RFC 9113 §8.1).
    else if (this.world.random.chance(0.3)) this.reset(stream.id, ErrorCode.NO_ERROR)
  }

  // What goes wrong

  #die(stream: Stream): void {
    const { random } = this.world
    const code = random.pick([ErrorCode.INTERNAL_ERROR, ErrorCode.CANCEL, -1, -2] as const)
    if (code === -1) this.transport.reset()
    else if (code === -2) this.transport.destroy()
    else this.reset(stream.id, code)
  }

  #talkNonsense(stream: Stream): void {
    const kind = this.world.random.between(0, 4)
    if (kind === 0) this.#head(stream, [['x-sim', '1']], false)
    else if (kind === 1)
      this.#head(
        stream,
        [
          [':status', '200'],
          ['content-length', '3, 4'],
        ],
        false,
      )
    else if (kind === 2) this.say(frameOf(FrameType.DATA, 0, stream.id, pattern(1, 0, 3)))
    else if (kind === 3) this.say(frameOf(FrameType.HEADERS, 4, stream.id, Buffer.from([0xff, 0xff, 0xff])))
    else this.say(frameOf(FrameType.PUSH_PROMISE, 4, stream.id, Buffer.from([0, 0, 0, 2, 0x88])))
    // Its session may go on, or not.
    this.over(stream)
  }

  #breakOff(stream: Stream): void {
    const { answer } = stream.record.script
    const { random } = this.world
    if (answer.fault === 'stall-mid') return
    if (answer.fault === 'reset-mid') {
      if (random.chance(0.3)) this.transport.reset()
      else this.reset(stream.id, random.pick([ErrorCode.INTERNAL_ERROR, ErrorCode.NO_ERROR]))
    } else if (answer.framing === 'length' && answer.bytes > 0) {
      this.say(frameOf(FrameType.DATA, endStream, stream.id, none))
      this.over(stream)
    } else this.transport.end()
  }
}
