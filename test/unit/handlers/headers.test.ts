import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { systemClock } from '../../../src/core/clock.ts'
import { createHeaders, headersSchema } from '../../../src/handlers/headers.ts'
import { NEXT, type Handler } from '../../../src/http/exchange.ts'
import { ask } from '../engine/asked.ts'

type Input = z.input<typeof headersSchema>

function make(input: Input): Handler {
  return createHeaders(headersSchema.parse(input), systemClock)
}

/** The request's fields after the step, Host left out. */
function edited(input: Input['request'], fields: readonly string[]): string[] {
  const { x } = ask('/a', { fields })
  assert.equal(make({ request: input }).onRequest(x), NEXT)
  return pairs(x.request.fields.toArray()).filter((line) => !line.startsWith('Host'))
}

function pairs(list: readonly string[]): string[] {
  return list.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${list[i + 1] ?? ''}`] : []))
}

function problem(input: unknown): string {
  return headersSchema.safeParse(input).error?.message ?? ''
}

test('set gives a field one value, whatever was there', () => {
  assert.deepEqual(edited({ set: { 'X-A': 'new' } }, ['x-a: 1', 'X-B: 2', 'X-A: 3']), ['X-A: new', 'X-B: 2'])
  assert.deepEqual(edited({ set: { 'X-C': '{method} {path}' } }, []), ['X-C: GET /a'])
})

test('add leaves what is there, and a list adds several', () => {
  assert.deepEqual(edited({ add: { 'X-A': ['2', '3'] } }, ['X-A: 1']), ['X-A: 1', 'X-A: 2', 'X-A: 3'])
})

test('remove takes all lines of a name, and a * all names that begin so', () => {
  assert.deepEqual(edited({ remove: 'x-a' }, ['X-A: 1', 'X-B: 2', 'x-a: 3']), ['X-B: 2'])
  const fields = ['X-Internal-A: 1', 'x-internal-b: 2', 'X-Intern: 3']
  assert.deepEqual(edited({ remove: ['X-Internal-*'] }, fields), ['X-Intern: 3'])
})

test('a * removes no field that delimits the message or names the host', () => {
  const fields = ['Content-Type: text/plain', 'Content-Length: 0', 'Connection: close', 'X-A: 1']
  assert.deepEqual(edited({ remove: ['Con*', 'H*'] }, fields), [
    'Content-Length: 0',
    'Connection: close',
    'X-A: 1',
  ])
  assert.match(problem({ request: { remove: '*' } }), /not the beginning of a field name/)
})

test('a client cannot send a field that is removed or set under a name that CGI takes for the same', () => {
  const input = { set: { 'X-User': 'joe', Other_x: 'kept' }, remove: ['X-Internal', 'X-Debug-*'] }
  const fields = [
    'x_user: evil',
    'X_INTERNAL: 1',
    'X_Debug_A: 1',
    'X-Debug_B: 1',
    'X_Other: kept',
    'Other-X: kept',
  ]
  assert.deepEqual(edited(input, fields), ['X_Other: kept', 'Other-X: kept', 'X-User: joe', 'Other_x: kept'])
})

test('the names of an answer have one spelling', () => {
  const { x } = ask('/')
  x.response.fields.add('X_User', 'a')
  make({ response: { remove: ['X-User', 'X-U*'] } }).onResponse?.(x)
  assert.deepEqual(pairs(x.response.fields.toArray()), ['X_User: a'])
})

test('remove comes first, then set, then add', () => {
  const input = { add: { 'X-A': 'added' }, set: { 'X-A': 'set' }, remove: 'X-A' }
  assert.deepEqual(edited(input, ['X-A: 1']), ['X-A: set', 'X-A: added'])
})

test('a value that comes out empty sets nothing, and removes what a client sent', () => {
  assert.deepEqual(edited({ set: { 'X-User': '{cookie.user}' } }, ['X-User: forged']), [])
  assert.deepEqual(edited({ add: { 'X-User': '{cookie.user}' } }, ['X-User: forged']), ['X-User: forged'])
})

test('the answer is edited on its way back, with what it has', () => {
  const { x } = ask('/a')
  x.response.status = 404
  x.response.fields.add('ETag', '"e"')
  x.response.fields.add('X-Powered-By', 'php')
  const handler = make({
    response: { set: { 'X-Seen': '{status} {response.header.ETag}' }, remove: 'x-powered-by' },
  })
  handler.onRequest(x)
  assert.equal(handler.onResponse?.(x), NEXT)
  assert.deepEqual(pairs(x.response.fields.toArray()), ['ETag: "e"', 'X-Seen: 404 "e"'])
})

test('only with "always" our own error answers are edited, too', () => {
  const set = { 'Strict-Transport-Security': 'max-age=60', 'X-Seen': '{status}' }
  for (const always of [true, false]) {
    const { x } = ask('/a')
    x.response.status = 502
    make({ response: { set, always } }).onErrorAnswer?.(x)
    const edited = ['Strict-Transport-Security: max-age=60', 'X-Seen: 502']
    assert.deepEqual(pairs(x.response.fields.toArray()), always ? edited : [])
  }
  assert.match(problem({ request: { always: true } as never }), /always/)
})

test('fields that are written from what is known cannot be edited, with the reason', () => {
  const request: [string, RegExp][] = [
    ['Host', /hostHeader/],
    ['content-length', /delimits the message/],
    ['Transfer-Encoding', /delimits the message/],
    ['Connection', /one connection only/],
    ['Upgrade', /one connection only/],
    ['X-Forwarded-For', /forwarding/],
    ['X_Forwarded_Host', /forwarding/],
    ['Forwarded', /forwarding/],
    ['Via', /forwarding/],
    ['Bad Name', /not a field name/],
    ['', /not a field name/],
  ]
  for (const [name, reason] of request) {
    for (const edit of [{ set: { [name]: 'x' } }, { add: { [name]: 'x' } }, { remove: name }]) {
      assert.match(problem({ request: edit }), reason, name)
    }
  }
  assert.equal(problem({ response: { set: { Via: 'x' } } }), '')
  // What clients claim in these has been dropped before: what is set here reaches the origin.
  for (const name of ['X-Real-IP', 'X-Forwarded-Prefix', 'X-Forwarded-Port', 'X-Forwarded-Ssl'])
    assert.equal(problem({ request: { set: { [name]: '{client_ip}' } } }), '', name)
  assert.notEqual(problem({ response: { set: { Date: 'x' } } }), '')
})

test('an empty value, a line break and a value of the answer in a request are refused', () => {
  assert.match(problem({ request: { set: { 'X-A': '' } } }), /use \\"remove\\"/)
  assert.match(problem({ request: { set: { 'X-A': 'a\r\nb' } } }), /control characters/)
  assert.match(problem({ request: { set: { 'X-A': '€' } } }), /Latin-1/)
  assert.match(problem({ request: { set: { 'X-A': '{status}' } } }), /not known yet/)
})

test('explain says what is set, added and removed', () => {
  const { x } = ask('/a', { fields: ['X-D: 1'] })
  const said: string[] = []
  const handler = make({
    request: { set: { 'X-A': '{method}', 'X-N': '{cookie.n}' }, remove: 'X-D' },
    response: { add: { Vary: '{route}' } },
  })
  assert.equal(
    handler.explain?.(x, (sentence) => said.push(sentence)),
    NEXT,
  )
  assert.deepEqual(said, [
    'removes x-d from the request',
    'sets X-A: GET on the request',
    'removes X-N from the request: its value is empty',
    'adds Vary: {route} to the answer',
  ])
  assert.equal(x.request.fields.getByName('x-d'), undefined)
})
