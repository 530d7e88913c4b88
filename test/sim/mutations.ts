/**
 * Mutated requests from clients, mutated answers from origins, against the whole edge on a virtual clock.
 *
 * Each must be answered or its connection closed within two seconds of the last byte (the client sends FIN after one, as
 * a scanner would); what reaches the origin reads as requests, what reaches the client as answers; the next client is
 * served; at rest nothing is left.
 */
import { Edge } from './edge.ts'
import { mutatedAnswer, mutatedRequest } from './grammar.ts'
import { MessageReader } from './reader.ts'
import { SimWire, type SimTransport } from './wire.ts'
import { World } from './world.ts'

const port = 9001
const goodRequest = 'GET /good HTTP/1.1\r\nHost: a.example\r\n\r\n'
const goodAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'
/** Silence after which the client sends FIN, and the time by which all must be over. */
const finMs = 1000
const overMs = 2000

export interface MutationResult {
  readonly sent: number
  readonly failures: readonly string[]
}

/** An origin that reads strictly and answers with whatever it is told. */
class MutantOrigin {
  readonly #world: World
  readonly #answer: (target: string) => string

  constructor(world: World, answer: (target: string) => string) {
    this.#world = world
    this.#answer = answer
  }

  accept(transport: SimTransport): void {
    let target = ''
    const reader = new MessageReader('request', {
      onHead: (head) => (target = head.startLine),
      onBody: () => {},
      onEnd: () => {
        const answer = this.#answer(target)
        transport.writeText(answer)
        if (this.#world.random.chance(0.3) && answer !== goodAnswer) transport.end()
      },
      onBad: (reason) => this.#world.fail(`an origin was sent what is no request: ${reason}`),
    })
    transport.events = {
      onBytes: (buffer, start, end) => reader.feed(Buffer.from(buffer.subarray(start, end))),
      onDrain: () => {},
      onEnd: () => transport.end(),
      onClose: () => {},
    }
  }
}

interface Try {
  readonly bytes: string
  text: string
  isOver: boolean
}

function sendMutant(world: World, wire: SimWire, edge: Edge, attempt: Try): void {
  const [near, far] = wire.link('192.0.2.9', 40_000)
  edge.accept(near)
  const reader = new MessageReader('response', {
    onHead: () => {},
    onBody: () => {},
    onEnd: () => (attempt.isOver = true),
    onBad: (reason) =>
      world.fail(`a client was sent what is no answer: ${reason} ${JSON.stringify(attempt.text)}`),
  })
  // Which answers have no body cannot be told from bytes that may be anything.
  const isChecked = !attempt.bytes.includes('HEAD') && !attempt.bytes.toLowerCase().includes('upgrade')
  far.events = {
    onBytes: (buffer, start, end) => {
      const bytes = Buffer.from(buffer.subarray(start, end))
      attempt.text = (attempt.text + bytes.toString('latin1')).slice(0, 2000)
      if (isChecked) reader.feed(bytes)
      else attempt.isOver = true
    },
    onDrain: () => {},
    onEnd: () => far.end(),
    onClose: () => (attempt.isOver = true),
  }
  far.writeText(attempt.bytes)
  world.after(finMs, () => far.end())
  world.after(overMs, () => {
    if (!attempt.isOver) {
      world.fail(
        `neither answered nor closed: ${JSON.stringify(attempt.bytes)} got ${JSON.stringify(attempt.text)}`,
      )
    }
    far.destroy()
  })
}

function checkGood(world: World, wire: SimWire, edge: Edge): void {
  const attempt: Try = { bytes: goodRequest, text: '', isOver: false }
  sendMutant(world, wire, edge, attempt)
  world.after(overMs + 1, () => {
    if (!attempt.text.endsWith('good')) world.fail(`the next client got ${JSON.stringify(attempt.text)}`)
  })
}

/** `count` mutants of one seed: every second one is an answer to a good request. */
export function runMutations(seed: number, count: number): MutationResult {
  const world = new World(seed)
  const wire = new SimWire(world, {
    kernelBytes: 65_536,
    delayMsMax: 1,
    chunkBytesMax: world.random.pick([1, 40, 9000]),
  })
  const answers = new Map<string, string>()
  const origin = new MutantOrigin(
    world,
    (startLine) => answers.get(startLine.split(' ')[1] ?? '') ?? goodAnswer,
  )
  wire.listeners.set(port, origin)
  const edge = new Edge(world, wire, { ports: [port] })
  for (let i = 0; i < count; i++) {
    const isAnswer = i % 2 === 1
    if (isAnswer) answers.set(`/${i}`, mutatedAnswer(world.random))
    const bytes = isAnswer ? `GET /${i} HTTP/1.1\r\nHost: a.example\r\n\r\n` : mutatedRequest(world.random)
    world.after(i * 3, () => sendMutant(world, wire, edge, { bytes, text: '', isOver: false }))
  }
  world.run(count * 3 + overMs + 10, count * 4000)
  checkGood(world, wire, edge)
  world.run(count * 3 + 30_000, count * 4000)
  edge.close()
  world.run(300_000, count * 8000)
  if (edge.engine.begun !== edge.engine.ended) world.fail('an exchange was not finished')
  if (edge.connections.size > 0) world.fail(`${edge.connections.size} connections are left`)
  if (edge.timers.hanging > 0) world.fail(`${edge.timers.hanging} deadlines are left`)
  return { sent: count, failures: world.failures }
}
