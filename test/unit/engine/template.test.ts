import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../../src/core/clock.ts'
import { compileTemplate, requireTemplate, type Template } from '../../../src/engine/template.ts'
import { ask, type AskOptions } from './asked.ts'

const clock: Clock = { nowMs: () => 0, wallMs: () => 0, after: () => ({ cancel() {} }) }

function field(source: string): Template {
  return requireTemplate(source, { clock, form: 'field', hasResponse: true })
}

function url(source: string): Template {
  return requireTemplate(source, { clock, form: 'url', hasResponse: false })
}

function problem(source: string, hasResponse = false): string {
  const made = compileTemplate(source, { clock, form: 'field', hasResponse })
  return typeof made === 'string' ? made : ''
}

function rendered(
  template: Template,
  target: string,
  captures: string[] = [],
  options: AskOptions = {},
): string {
  const { x } = ask(target, options)
  x.captures.push(...captures)
  return template.render(x)
}

test('every variable has its value', () => {
  const { x } = ask('/a/%62?q=1&r=%20x', {
    host: 'WWW.Example.com:8080',
    client: '192.0.2.7',
    fields: ['X-A: one', 'X-A: two', 'Cookie: a=1; user=joe; b=2'],
  })
  x.requestId = 'id-1'
  x.captures.push('cap')
  x.captureNames.push('name')
  x.response.status = 201
  x.response.fields.add('ETag', '"e"')
  const values: Record<string, string> = {
    '{host}': 'www.example.com',
    '{port}': '8080',
    '{scheme}': 'http',
    '{method}': 'GET',
    '{path}': '/a/b',
    '{query}': 'q=1&r=%20x',
    '{uri}': '/a/%62?q=1&r=%20x',
    '{client_ip}': '192.0.2.7',
    '{request_id}': 'id-1',
    '{route}': '',
    '{time}': '1970-01-01T00:00:00.000Z',
    '{status}': '201',
    '{path.name}': 'cap',
    '{header.x-a}': 'one, two',
    '{header.Host}': 'www.example.com:8080',
    '{response.header.etag}': '"e"',
    '{query.q}': '1',
    '{query.r}': '%20x',
    '{cookie.user}': 'joe',
    $1: 'cap',
  }
  for (const [source, value] of Object.entries(values)) assert.equal(field(source).render(x), value, source)
})

test('what is missing is empty', () => {
  for (const source of [
    '$2',
    '{header.X-B}',
    '{cookie.use}',
    '{cookie.ser}',
    '{query.z}',
    '{path.z}',
    '{query}',
  ]) {
    assert.equal(rendered(field(source), '/', ['x'], { fields: ['Cookie: user=joe'] }), '', source)
  }
})

test('the port is that of the scheme when the client named none', () => {
  assert.equal(rendered(field('{port}'), '/'), '80')
  assert.equal(rendered(field('{port}'), '/', [], { scheme: 'https' }), '443')
})

test('dollars and braces can be written', () => {
  assert.equal(rendered(field('$$1 costs $$'), '/', ['x']), '$1 costs $')
  assert.equal(rendered(field('{{host}} is {host}'), '/'), '{host} is www.example.com')
  const json = '{"group":"a","endpoints":[{"url":"https://x"}]} {} { host } $ $x $0'
  assert.equal(rendered(field(json), '/'), json)
})

test('captures up to $99', () => {
  assert.equal(
    rendered(
      field('$12-$1'),
      '/',
      Array.from({ length: 12 }, (_, i) => `c${i + 1}`),
    ),
    'c12-c1',
  )
  assert.equal(field('$12-$3').captureCount, 12)
  assert.deepEqual(field('{path.a}{path.b}').captureNames, ['a', 'b'])
})

test('an unknown variable is refused with the nearest one', () => {
  assert.match(problem('{hots}'), /unknown variable \{hots\}; did you mean "host"\?/)
  assert.match(problem('{Host}'), /did you mean "host"/)
  assert.match(problem('{clientip}'), /did you mean "client_ip"/)
  assert.match(problem('{heeder.X-A}'), /did you mean "header.X-A"/)
  assert.match(problem('{http.request.header.X-A}'), /did you mean "header.X-A"/)
  assert.match(problem('{header.}'), /lacks a name/)
  assert.match(problem('{header}'), /unknown variable/)
  assert.match(problem('{zzz}'), /^unknown variable \{zzz\}$/)
})

test('what the answer has is not known before it', () => {
  assert.match(problem('{status}'), /not known yet/)
  assert.match(problem('{response.header.ETag}'), /not known yet/)
  assert.equal(problem('{status}', true), '')
})

test('a value brings no line break and no NUL into a field', () => {
  assert.equal(rendered(field('a $1 b'), '/', ['x\r\nSet-Cookie: y\0']), 'a xSet-Cookie: y b')
})

test('in a path a value of the path stays as it is encoded', () => {
  assert.equal(rendered(url('/new/$1'), '/', ['a/b%20c']), '/new/a/b%20c')
  assert.equal(rendered(url('/new{path}'), '/a%20b'), '/new/a%20b')
  assert.equal(rendered(url('https://{host}{uri}'), '/a?b=c'), 'https://www.example.com/a?b=c')
  assert.equal(
    rendered(url('https://{host}{uri}'), '*', [], { method: 'OPTIONS' }),
    'https://www.example.com/',
  )
})

test('in a path other text stays one segment', () => {
  const options = { fields: ['X-A: ../a b?c#d%/\\', 'X-B: ..', 'X-C: é'] }
  assert.equal(rendered(url('/u/{header.X-A}'), '/', [], options), '/u/..%2Fa%20b%3Fc%23d%25%2F%5C')
  assert.equal(rendered(url('/u/{header.X-B}/x'), '/', [], options), '/u//x')
  assert.equal(rendered(url('/u/{header.X-C}'), '/', [], options), '/u/%E9')
  assert.equal(rendered(url('/u/{query.q}'), '/?q=a%2Fb/c'), '/u/a%2Fb%2Fc')
})

test('in a query a value stays in its parameter', () => {
  assert.equal(rendered(url('/login?next={uri}'), '/a?b=c&d=%20'), '/login?next=/a%3Fb%3Dc%26d%3D%2520')
  assert.equal(rendered(url('/x?id=$1'), '/', ['a&b=c+d%20']), '/x?id=a%26b%3Dc%2Bd%20')
  assert.equal(rendered(url('/x?{query}'), '/?a=1&b=%20'), '/x?a=1&b=%20')
  assert.equal(
    rendered(url('/x?h={header.X-A}'), '/', [], { fields: ['X-A: a&b#c d%'] }),
    '/x?h=a%26b%23c%20d%25',
  )
})

test('in the place of a host nothing but a host stands', () => {
  const options = { fields: ['X-A: evil.example/path?x@y'] }
  assert.equal(rendered(url('https://{header.X-A}/'), '/', [], options), 'https://evil.examplepathxy/')
})

test('letters beyond ASCII in a URL template are percent-encoded', () => {
  assert.equal(rendered(url('/café/$1 x'), '/', ['a']), '/caf%C3%A9/a%20x')
})
