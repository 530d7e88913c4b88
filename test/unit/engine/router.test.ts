import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileMatch, matchSchema } from '../../../src/config/match-schema.ts'
import { Faults, NONE } from '../../../src/core/faults.ts'
import { HostRouter, type SiteRules } from '../../../src/engine/router.ts'
import { defaultExchangeLimits } from '../../../src/http/limits.ts'
import { ask, type AskOptions } from './asked.ts'

/** Host → the matches of its routes; '' for one that takes everything. */
function router(sites: Record<string, readonly string[]>): HostRouter {
  return new HostRouter(
    Object.entries(sites).map(([name, matches]): SiteRules => {
      const rules = matches.map((match, i) => ({
        matcher: compileMatch(match === '' ? undefined : matchSchema.parse(match)),
        route: { name: `${name}[${i}]`, site: name, handlers: [], limits: defaultExchangeLimits },
      }))
      return { name, hosts: name.split(' '), rules }
    }),
  )
}

function find(made: HostRouter, target: string, options?: AskOptions): string | null {
  return made.find(ask(target, options).x)?.name ?? null
}

test('the most specific site takes a host', () => {
  const made = router({
    '*': [''],
    '*.example.com': [''],
    '*.a.example.com': [''],
    'www.a.example.com': [''],
    'example.com': [''],
  })
  const site = (host: string): string | null => find(made, '/', { host })
  assert.equal(site('www.a.example.com'), 'www.a.example.com[0]')
  assert.equal(site('x.a.example.com'), '*.a.example.com[0]')
  assert.equal(site('x.y.a.example.com'), '*.a.example.com[0]')
  assert.equal(site('a.example.com'), '*.example.com[0]')
  assert.equal(site('x.y.example.com'), '*.example.com[0]')
  assert.equal(site('example.com'), 'example.com[0]')
  assert.equal(site('notexample.com'), '*[0]')
  assert.equal(site('.example.com'.slice(1)), 'example.com[0]')
})

test('host names are the same in capitals, with a port, and with the dot of the root', () => {
  const made = router({ 'www.example.com': [''] })
  for (const host of ['WWW.Example.COM', 'www.example.com:8080', 'www.example.com.']) {
    assert.equal(find(made, '/', { host }), 'www.example.com[0]', host)
  }
})

test('a site may have several hosts', () => {
  const made = router({ 'a.example b.example': [''] })
  assert.equal(find(made, '/', { host: 'b.example' }), 'a.example b.example[0]')
  assert.equal(find(made, '/', { host: 'c.example' }), null)
})

test('the first route that matches wins, in written order', () => {
  const made = router({ '*': ['/a/b', '/a/*', '/:x/b', ''] })
  assert.equal(find(made, '/a/b'), '*[0]')
  assert.equal(find(made, '/a/c'), '*[1]')
  assert.equal(find(made, '/c/b'), '*[2]')
  assert.equal(find(made, '/c'), '*[3]')
})

test('no other site is tried when none of the routes matches', () => {
  const made = router({ 'www.example.com': ['/a'], '*': [''] })
  const { x } = ask('/b')
  assert.equal(made.find(x), null)
  assert.equal(x.fault, Faults.NO_ROUTE)
})

test('a request for a host that no site has finds no route', () => {
  const { x } = ask('/', { host: 'other.example' })
  assert.equal(router({ 'www.example.com': [''] }).find(x), null)
  assert.equal(x.fault, Faults.NO_ROUTE)
  assert.equal(router({}).find(ask('/').x), null)
})

test('a guard holds for every path that some origin takes for one of its own', () => {
  const guards = { short: ['/admin/*', ''], long: ['/admin/*', '/b', '/c', '/d', '/e', '/f', ''] }
  const spellings = [
    '/admin%2fx',
    '/%2Fadmin/x',
    '/%2f/admin',
    '/admin%5cx',
    '/admin;a/x',
    '/;/admin',
    '/;a%2fadmin',
  ]
  for (const matches of Object.values(guards)) {
    for (const target of spellings) {
      const { x } = ask(target)
      assert.equal(router({ '*': matches }).find(x), null, target)
      assert.equal(x.fault, Faults.TARGET_BAD, target)
    }
    for (const target of ['/x%2fadmin', '/administrator%2fx', '/x;admin', '/%252fadmin', '/100%25;x'])
      assert.equal(find(router({ '*': matches }), target), `*[${matches.length - 1}]`, target)
  }
})

test('an encoded slash is data where no route stands before the one that takes it', () => {
  const made = router({ '*': ['/packages/:name', '/files/*', ''] })
  const { x } = ask('/packages/@scope%2fname')
  assert.equal(made.find(x)?.name, '*[0]')
  assert.deepEqual(x.captures, ['@scope%2Fname'])
  assert.deepEqual(x.captureNames, ['name'])
  assert.equal(x.request.path, '/packages/@scope%2Fname')
  const file = ask('/files/a%2fb;c').x
  assert.equal(made.find(file)?.name, '*[1]')
  assert.deepEqual(file.captures, ['a%2Fb;c'])
  assert.deepEqual(file.captureNames, [''])
})

test('explain says why a path with two readings is refused', () => {
  const said: string[] = []
  const { x } = ask('/admin%2fx')
  assert.equal(
    router({ '*': ['/admin/*', ''] }).explain(x, (sentence) => said.push(sentence)),
    null,
  )
  assert.equal(x.fault, Faults.TARGET_BAD)
  assert.match(said.at(-1) ?? '', /some origins read \/admin\/x, which is \*\[0\]'s: refused/)
  assert.equal(find(router({ '*': ['/packages/:name', ''] }), '/packages/a%2fb'), '*[0]')
})

test('a route that is found leaves no fault and its captures only', () => {
  const { x } = ask('/b/1')
  assert.equal(router({ '*': ['/a/:x', '/:x/2', '/b/*'] }).find(x)?.name, '*[2]')
  assert.equal(x.fault, NONE)
  assert.deepEqual([x.captures, x.captureNames], [['1'], ['']])
})

test('many routes are found by their first segment, in the order written all the same', () => {
  const folders = Array.from({ length: 50 }, (_, i) => `/folder${i}/*`)
  const made = router({ '*': ['/folder3/first', ...folders, '/:any/x', '/folder7/late', '/f/*.css', '/*'] })
  assert.equal(find(made, '/folder3/first'), '*[0]')
  assert.equal(find(made, '/folder3/x'), '*[4]')
  assert.equal(find(made, '/folder49'), '*[50]')
  assert.equal(find(made, '/unknown/x'), '*[51]')
  assert.equal(find(made, '/folder7/late'), '*[8]')
  assert.equal(find(made, '/f/a.css'), '*[53]')
  assert.equal(find(made, '/f/a.js'), '*[54]')
  assert.equal(find(made, '/'), '*[54]')
})

test('the index never changes which route is found', () => {
  const shapes = ['/a', '/a/*', '/b/*', '/a/:x', '/:x/b', '/*/c', '/b/*.css', '/c', '/*']
  const paths = ['/', '/a', '/a/b', '/b/c', '/b/x.css', '/c', '/c/', '/d/e/f', '/a/b/c']
  let state = 5
  const next = (below: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % below
  for (let round = 0; round < 300; round++) {
    const matches = Array.from({ length: 6 + next(4) }, () => shapes[next(shapes.length)] as string)
    const whole = router({ '*': matches })
    for (const path of paths) {
      // Sites of one route have no index.
      const expected = matches.findIndex((match) => find(router({ '*': [match] }), path) !== null)
      assert.equal(
        find(whole, path),
        expected < 0 ? null : `*[${expected}]`,
        `${path} in ${matches.join(' ')}`,
      )
    }
  }
})

test('explain says for each route why not, and which one takes it', () => {
  const made = router({ 'www.example.com': ['/a', '/u/:name', ''] })
  const said: string[] = []
  const { x } = ask('/u/joe')
  assert.equal(made.explain(x, (sentence) => said.push(sentence))?.name, 'www.example.com[1]')
  assert.deepEqual(said, [
    'site www.example.com takes host www.example.com',
    'route www.example.com[0] does not: path /u/joe is not /a',
    'route www.example.com[1] takes it, $1 = {path.name} = "joe"',
  ])
  assert.deepEqual(x.captures, ['joe'])
})

test('explain says which hosts there are, and that no other site is tried', () => {
  const made = router({ 'www.example.com': ['/a'], '*.b.example': [''] })
  const said: string[] = []
  const say = (sentence: string): void => void said.push(sentence)
  assert.equal(made.explain(ask('/', { host: 'c.example' }).x, say), null)
  assert.equal(made.explain(ask('/b').x, say), null)
  assert.deepEqual(said, [
    'no site takes host c.example; there are www.example.com, *.b.example',
    'site www.example.com takes host www.example.com',
    'route www.example.com[0] does not: path /b is not /a',
    'no route of site www.example.com takes it; other sites are not tried',
  ])
})

test('of thousands of hosts explain names some', () => {
  const made = router(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`s${i}.example`, ['']])))
  const said: string[] = []
  made.explain(ask('/', { host: 'c.example' }).x, (sentence) => said.push(sentence))
  assert.match(
    said[0] ?? '',
    /^no site takes host c\.example; there are s0\.example, .*s19\.example and 9980 more$/,
  )
})

test('one route for everything is found within a microsecond', () => {
  const made = router({ '*': [''] })
  const { x } = ask('/a/b/c')
  for (let i = 0; i < 20_000; i++) made.find(x)
  const started = performance.now()
  for (let i = 0; i < 100_000; i++) made.find(x)
  const ns = ((performance.now() - started) * 1e6) / 100_000
  assert.ok(ns < 1000, `${ns.toFixed(1)} ns`)
})
