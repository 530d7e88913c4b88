/**
 * What one simulated exchange is to do, drawn from the seed, and what was seen of it. The origin learns its part from
 * the field `x-sim`, the client checks what it gets against the same script.
 */
import type { Random } from './random.ts'

export interface Script {
  readonly id: number
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly http10: boolean
  readonly requestBytes: number
  readonly requestChunked: boolean
  readonly requestTrailers: boolean
  readonly expect: boolean
  readonly acceptsTrailers: boolean
  readonly upgrade: boolean
  /** The client breaks off after this many milliseconds; -1 does not. */
  readonly leaveMs: number
  readonly leaveBy: 'reset' | 'destroy' | 'end'
  readonly answer: AnswerScript
}

export interface AnswerScript {
  readonly framing: 'length' | 'chunked' | 'close'
  readonly status: number
  readonly bytes: number
  readonly trailers: boolean
  readonly informational: number
  readonly thinkMs: number
  readonly gapMs: number
  /** Answers before the request's body is read. */
  readonly early: boolean
  /** 'none', or how it goes wrong. */
  readonly fault:
    | 'none'
    | 'silent'
    | 'die-before'
    | 'reset-mid'
    | 'fin-mid'
    | 'garbage'
    | 'extra'
    | 'stall-mid'
  /** Sends `Connection: close` and closes. */
  readonly closes: boolean
  readonly http10: boolean
}

/** What was seen of an exchange, by both ends. */
export interface Record {
  readonly script: Script
  sentAll: boolean
  /** Heads of it that origins read. */
  originHeads: number
  originWholeBodies: number
  originAnswered: boolean
  status: number
  gotBytes: number
  isWhole: boolean
  isOver: boolean
  hasLeft: boolean
  /** Sent on a connection that the edge was free to close. */
  mayBeLost: boolean
  informational: number
  gotContinue: boolean
  /** When an origin said 100, Infinity when none did. */
  saidContinueAtMs: number
  /** When the client sent the body without, as no 100 had come; Infinity when it did not. */
  gaveUpAtMs: number
}

export interface Weather {
  /** How often an exchange goes wrong at the origin, at the client. */
  readonly originFaults: number
  readonly clientFaults: number
  readonly upgrades: boolean
  readonly bodyBytesMax: number
}

function answerScript(random: Random, weather: Weather, upgrade: boolean): AnswerScript {
  const faulty = random.chance(weather.originFaults)
  const http10 = !upgrade && random.chance(0.08)
  const status = random.pick([200, 200, 200, 200, 404, 204, 304, 500])
  const framing = http10
    ? random.pick(['length', 'close'] as const)
    : random.pick(['length', 'length', 'chunked', 'chunked', 'close'] as const)
  return {
    framing,
    status: upgrade ? 101 : status,
    bytes: random.chance(0.15) ? 0 : random.skewed(weather.bodyBytesMax),
    trailers: random.chance(0.4),
    informational: random.chance(0.15) ? random.between(1, 3) : 0,
    thinkMs: random.chance(0.5) ? 0 : random.next() * 40,
    gapMs: random.chance(0.7) ? 0 : random.next() * 30,
    early: random.chance(0.2),
    fault: faulty
      ? random.pick([
          'silent',
          'die-before',
          'reset-mid',
          'fin-mid',
          'garbage',
          'extra',
          'stall-mid',
        ] as const)
      : 'none',
    closes: framing === 'close' || random.chance(0.1),
    http10,
  }
}

export function drawScript(id: number, random: Random, weather: Weather): Script {
  const upgrade = weather.upgrades && random.chance(0.06)
  const method = upgrade
    ? 'GET'
    : random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE'] as const)
  const hasBody = method === 'POST' || method === 'PUT'
  const http10 = !upgrade && random.chance(0.05)
  const requestBytes = hasBody ? random.skewed(weather.bodyBytesMax) : 0
  const requestChunked = hasBody && !http10 && random.chance(0.5)
  const leaves = random.chance(weather.clientFaults)
  return {
    id,
    method,
    http10,
    requestBytes,
    requestChunked,
    requestTrailers: random.chance(0.3),
    expect: hasBody && !http10 && (requestBytes > 0 || requestChunked) && random.chance(0.15),
    acceptsTrailers: random.chance(0.6),
    upgrade,
    leaveMs: leaves ? random.next() * 120 : -1,
    leaveBy: random.pick(['reset', 'destroy', 'end'] as const),
    answer: answerScript(random, weather, upgrade),
  }
}

export function newRecord(script: Script): Record {
  return {
    script,
    sentAll: false,
    originHeads: 0,
    originWholeBodies: 0,
    originAnswered: false,
    status: 0,
    gotBytes: 0,
    isWhole: false,
    isOver: false,
    hasLeft: false,
    mayBeLost: false,
    informational: 0,
    gotContinue: false,
    saidContinueAtMs: Infinity,
    gaveUpAtMs: Infinity,
  }
}

export function isBodiless(script: Script): boolean {
  const { status } = script.answer
  return script.method === 'HEAD' || status === 204 || status === 304
}
