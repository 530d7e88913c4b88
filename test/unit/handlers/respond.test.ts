import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { systemClock } from '../../../src/core/clock.ts'
import { createRespond, respondSchema } from '../../../src/handlers/respond.ts'
import { DONE } from '../../../src/http/exchange.ts'
import { ask } from '../engine/asked.ts'

type Input = z.input<typeof respondSchema>

function respond(input: Input): { status: number; fields: string[]; body: string } {
  const { x, answers } = ask('/a')
  const handler = createRespond(respondSchema.parse(input), systemClock)
  assert.equal(handler.onRequest(x), DONE)
  return { status: x.response.status, fields: x.response.fields.toArray(), body: answers[0] ?? '(none)' }
}

function problem(input: unknown): string {
  return respondSchema.safeParse(input).error?.message ?? ''
}

test('a number is a status without a body', () => {
  assert.deepEqual(respond(404), { status: 404, fields: [], body: '' })
})

test('a text is a body with status 200', () => {
  const fields = ['content-type', 'text/plain; charset=utf-8']
  assert.deepEqual(respond('grüß'), { status: 200, fields, body: 'grüß' })
  assert.deepEqual(respond(''), { status: 200, fields, body: '' })
})

test('an object or a list as body is JSON', () => {
  const fields = ['content-type', 'application/json']
  assert.deepEqual(respond({ body: { ok: true } }), { status: 200, fields, body: '{"ok":true}' })
  assert.deepEqual(respond({ status: 500, body: [1] }), { status: 500, fields, body: '[1]' })
})

test('variables stand in fields and not in the body', () => {
  const made = respond({
    body: '{path}',
    contentType: 'text/html',
    headers: { 'X-Path': '{path}', 'X-No': '{cookie.a}' },
  })
  assert.deepEqual(made, {
    status: 200,
    fields: ['content-type', 'text/html', 'X-Path', '/a'],
    body: '{path}',
  })
})

test('a status is final, and one without a body has none', () => {
  for (const status of [100, 199, 600, 1.5, -1]) assert.notEqual(problem(status), '', String(status))
  for (const status of [204, 205, 304]) assert.match(problem({ status, body: 'x' }), /has no body/)
  assert.equal(problem({ status: 204 }), '')
})

test('fields that the server writes are refused', () => {
  for (const name of ['Content-Length', 'transfer-encoding', 'Connection', 'Date', 'Bad Name']) {
    assert.notEqual(problem({ headers: { [name]: 'x' } }), '', name)
  }
  assert.match(problem({ headers: { 'X-A': 'a\nb' } }), /control characters/)
})
