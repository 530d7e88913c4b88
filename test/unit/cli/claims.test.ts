import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainRequest, type Explanation } from '../../../src/server/explanation.ts'
import { readConfig } from '../../../src/config/load.ts'

/** A route that only a forged field could take, then one that tells what it sees to its origin. */
const config = readConfig({
  listeners: [{ port: 0 }],
  trustedProxies: ['10.0.0.0/8'],
  sites: {
    '*': [
      { match: { header: { 'X-Forwarded-Proto': 'https' } }, respond: { status: 204 } },
      {
        headers: {
          request: {
            set: {
              'X-Real-IP': '{client_ip}',
              'X-Forwarded-Prefix': '/shop',
              'X-Seen': 'for {header.X-Forwarded-For}',
              'X-User': 'joe',
            },
          },
        },
        origin: 'http://10.0.0.11:3000',
      },
    ],
  },
})

const forged = {
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-For': '6.6.6.6',
  'X-Real-IP': '6.6.6.6',
  'X-Forwarded-Prefix': '/forged',
  Connection: 'X-User',
  'X-User': 'forged',
}

function explained(client: string, fields: Readonly<Record<string, string>>): Explanation {
  return explainRequest(config, {
    method: 'GET',
    scheme: 'http',
    authority: 'www.example.com',
    target: '/',
    client,
    fields: Object.entries(fields).map(([name, value]) => ({ name, value })),
  })
}

test('no match and no variable sees what an untrusted peer claims, and what the operator sets instead is sent', () => {
  const { route, sent, routing } = explained('192.0.2.7', forged)
  assert.equal(route, '*[1]')
  const fields = new Map(sent?.fields)
  assert.equal(fields.get('x-real-ip'), '192.0.2.7')
  assert.equal(fields.get('x-forwarded-prefix'), '/shop')
  assert.equal(fields.get('x-forwarded-for'), '192.0.2.7')
  assert.equal(fields.get('x-seen'), 'for ')
  assert.equal(fields.get('x-user'), 'joe')
  assert.equal(
    routing[0],
    'dropped on arrival: x-forwarded-proto, x-forwarded-for, x-real-ip, x-forwarded-prefix, x-user',
  )
})

test('what a trusted proxy tells is seen', () => {
  assert.equal(explained('10.0.0.1', { 'X-Forwarded-Proto': 'https' }).route, '*[0]')
  const { sent } = explained('10.0.0.1', { 'X-Forwarded-For': '203.0.113.9' })
  assert.equal(new Map(sent?.fields).get('x-seen'), 'for 203.0.113.9')
})
