import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { ErrorsLog, faultLinesPerSecondMax, noteLinesPerSecondMax } from '../../../src/engine/errors-log.ts'
import { Exchange, nobody } from '../../../src/http/exchange.ts'
import { HandClock } from './fakes.ts'

function setUp(): { log: ErrorsLog; lines: string[]; clock: HandClock } {
  const lines: string[] = []
  const clock = new HandClock()
  return { log: new ErrorsLog(clock, (line) => lines.push(line)), lines, clock }
}

function failing(): Exchange {
  const x = new Exchange()
  x.down = { ...nobody, remoteAddress: '192.0.2.7' }
  x.request.method = 'GET'
  x.request.target = '/path?token=SECRET'
  x.request.queryStart = 5
  x.request.authority = 'h.example'
  x.requestId = 'id-1'
  x.tried.push({ name: 'http://10.0.0.1:3000' })
  x.attempts = 1
  return x
}

test('a fault is one line: time, level, sentence, and who, what, where; no query', () => {
  const { log, lines, clock } = setUp()
  log.fault(failing(), Faults.ORIGIN_REFUSED)
  assert.deepEqual(lines, [
    new Date(clock.wallMs()).toISOString() +
      ' warn  The origin refused the connection. fault=connection_refused id=id-1 client=192.0.2.7 method=GET ' +
      'host=h.example path=/path upstream=http://10.0.0.1:3000 attempt=1\n',
  ])
})

test('as JSON it has the same in keys', () => {
  const { log, lines } = setUp()
  log.configure('info', true)
  log.fault(failing(), Faults.ORIGIN_REFUSED)
  log.note('error', 'said "so"\n')
  const [fault, note] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    [fault?.['fault'], fault?.['level'], fault?.['upstream']],
    ['connection_refused', 'warn', 'http://10.0.0.1:3000'],
  )
  assert.equal(note?.['msg'], 'said "so"\n')
})

test('what is below the level is not written', () => {
  const { log, lines } = setUp()
  log.configure('error', false)
  log.fault(failing(), Faults.ORIGIN_REFUSED)
  log.note('warn', 'no')
  log.note('error', 'yes')
  assert.equal(lines.length, 1)
})

test('a fault that repeats writes some lines a second, and the rest is one line with their number', () => {
  const { log, lines, clock } = setUp()
  for (let i = 0; i < 500; i++) log.fault(failing(), Faults.ORIGIN_REFUSED)
  log.fault(failing(), Faults.CLIENT_GONE)
  assert.equal(lines.length, faultLinesPerSecondMax + 1)
  assert.equal(log.suppressed, 500 - faultLinesPerSecondMax)
  clock.advance(1100)
  assert.match(
    lines.at(-1) ?? '',
    /warn  490 more of the same were not written fault=connection_refused count=490/,
  )
  log.fault(failing(), Faults.ORIGIN_REFUSED)
  assert.equal(lines.length, faultLinesPerSecondMax + 3)
})

test('sentences have a bound of their own', () => {
  const { log, lines, clock } = setUp()
  for (let i = 0; i < 300; i++) log.note('info', 'again')
  assert.equal(lines.length, noteLinesPerSecondMax)
  clock.advance(1100)
  assert.match(lines.at(-1) ?? '', /200 more of the same/)
})

test('what is held back is told before the log is closed', () => {
  const { log, lines } = setUp()
  for (let i = 0; i < 20; i++) log.fault(failing(), Faults.ORIGIN_REFUSED)
  log.close()
  assert.match(lines.at(-1) ?? '', /10 more/)
})

test('no client text ends a line, and a line stays below PIPE_BUF', () => {
  const { log, lines } = setUp()
  for (const isJson of [false, true]) {
    for (const fill of ['a', '\n', '"', '\u00ff']) {
      const x = failing()
      log.configure('debug', isJson)
      x.request.target = '/' + fill.repeat(9000)
      x.request.queryStart = x.request.target.length
      x.request.authority = x.request.method = x.requestId = x.clientAddress = fill.repeat(9000)
      log.fault(x, Faults.HOST_BAD)
      log.note('error', fill.repeat(9000))
    }
  }
  for (const line of lines) {
    assert.match(line, /^[\x20-\x7e]*\n$/)
    assert.ok(line.length <= 4096, String(line.length))
  }
})
