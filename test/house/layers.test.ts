/**
 * The direction of imports. A room imports only from rooms with a lower number, never from another room of its own
 * number; inside a room no imports go in circles; one directive of a route never imports another.
 * Imports of types count like any other: they are what a reader has to know.
 */
import assert from 'node:assert/strict'
import { dirname, join } from 'node:path/posix'
import { test } from 'node:test'
import { blankProse, readSources } from './sources.ts'

/** Room → number. A room is a folder of `src`, or a file that lies there directly. */
const layers: Readonly<Record<string, number>> = {
  core: 0,
  net: 1,
  http: 2,
  h1: 3,
  h2: 3,
  h3: 3,
  cache: 4,
  origin: 4,
  guard: 4,
  tls: 4,
  engine: 5,
  tcp: 6,
  handlers: 6,
  config: 7,
  admin: 7,
  'server.ts': 9,
  server: 8,
  'index.ts': 10,
  supervisor: 10,
  demo: 10,
  cli: 11,
}

const importPattern =
  /(?:^|[\s;}])(?:import|export)\s(?:[^'"]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

/** Paths as written in `import … from`, `export … from`, `import '…'` and `import('…')`. */
export function importsOf(text: string): string[] {
  const code = blankProse(text, true)
  return Array.from(code.matchAll(importPattern), (match) => match[1] ?? match[2] ?? '')
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

/** The directive that a file of `src/handlers` belongs to: `proxy.ts` and `proxy/attempt.ts` are one. */
function handlerOf(path: string): string {
  return (path.split('/')[2] ?? '').replace(/\.ts$/, '')
}

const files = readSources('src')
const paths = new Set(files.map((file) => file.path))
/** File → files that it imports. */
const graph = new Map<string, string[]>()
for (const file of files) {
  const targets: string[] = []
  for (const specifier of importsOf(file.text)) {
    if (specifier.startsWith('.')) targets.push(join(dirname(file.path), specifier))
  }
  graph.set(file.path, targets)
}

/** Why `from` may not import `to`; '' when it may. */
function objection(from: string, to: string): string {
  if (!to.startsWith('src/')) return 'leaves src'
  if (!paths.has(to)) return 'no such file'
  const fromRoom = roomOf(from)
  const toRoom = roomOf(to)
  if (fromRoom === toRoom) {
    if (fromRoom === 'handlers' && handlerOf(from) !== handlerOf(to)) return 'a handler imports another'
    return ''
  }
  const fromLayer = layers[fromRoom] ?? -1
  const toLayer = layers[toRoom] ?? -1
  if (toLayer === fromLayer) return `sideways, both are in layer ${fromLayer}`
  if (toLayer > fromLayer) return `upward, from layer ${fromLayer} to ${toLayer}`
  return ''
}

/** The first circle of imports that is found, as a list of paths; empty for none. */
function findCircle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const walk: string[] = []
  const visit = (path: string): string[] => {
    if (walk.includes(path)) return [...walk.slice(walk.indexOf(path)), path]
    if (done.has(path)) return []
    walk.push(path)
    for (const next of edges.get(path) ?? []) {
      const circle = visit(next)
      if (circle.length > 0) return circle
    }
    walk.pop()
    done.add(path)
    return []
  }
  for (const path of edges.keys()) {
    const circle = visit(path)
    if (circle.length > 0) return circle
  }
  return []
}

test('every room of src has a layer', () => {
  const unknown = new Set(files.map((file) => roomOf(file.path)).filter((room) => layers[room] === undefined))
  assert.deepEqual([...unknown], [])
})

test('no import goes upward, sideways or from one handler to another', () => {
  const bad: string[] = []
  for (const [from, targets] of graph) {
    for (const to of targets) {
      const why = objection(from, to)
      if (why !== '') bad.push(`${from} imports ${to}: ${why}`)
    }
  }
  assert.deepEqual(bad, [])
})

test('no imports go in a circle', () => {
  assert.deepEqual(findCircle(graph), [])
})

test('imports of src name the file with its ending', () => {
  const bad: string[] = []
  for (const file of files) {
    for (const specifier of importsOf(file.text)) {
      if (specifier.startsWith('.') && !specifier.endsWith('.ts')) bad.push(`${file.path}: ${specifier}`)
    }
  }
  assert.deepEqual(bad, [])
})

test('src imports nothing but itself, node: modules and the two dependencies', () => {
  const bad: string[] = []
  for (const file of files) {
    for (const specifier of importsOf(file.text)) {
      if (!/^(\.|node:|zod$|yaml$)/.test(specifier)) bad.push(`${file.path}: ${specifier}`)
    }
  }
  assert.deepEqual(bad, [])
})

/** Rooms inside the cache, from the lowest up; what lies directly in it stands above them all. */
const cacheRooms = ['rules', 'keys', 'store', 'purge', 'memory', 'serve', 'fill', 'disk']

/** -1: it is not of the cache. */
function cacheRank(path: string): number {
  const [, room, folder = '', file] = path.split('/')
  if (room !== 'cache') return -1
  if (file === undefined) return cacheRooms.length
  assert.ok(cacheRooms.includes(folder), `${path} lies in no room that is listed here`)
  return cacheRooms.indexOf(folder)
}

test('a room of the cache imports only from those below it', () => {
  const bad: string[] = []
  for (const [from, targets] of graph) {
    const rank = cacheRank(from)
    if (rank >= 0) for (const to of targets) if (cacheRank(to) > rank) bad.push(`${from} -> ${to}`)
  }
  assert.deepEqual(bad, [])
})

test('nothing in the way of a request imports the HTTP of Node', () => {
  const bad: string[] = []
  for (const file of files) {
    const room = roomOf(file.path)
    // Authorities are asked for certificates, and about them, beside the way of requests.
    if (/^src\/tls\/(acme|ocsp)\//.test(file.path) || file.path === 'src/net/node-http.ts') continue
    for (const specifier of importsOf(file.text)) {
      const isWay = (layers[room] ?? 0) <= 6
      if (/^node:(http|https|http2)$|\/node-http\.ts$/.test(specifier) && isWay)
        bad.push(`${file.path}: ${specifier}`)
    }
  }
  assert.deepEqual(bad, [])
})

test('this test sees types, re-exports, bare and dynamic imports, and no comments', () => {
  const text = [
    "import type { A } from './a.ts'",
    "import { type B,\n  C } from './b.ts'",
    "export { D } from './d.ts'",
    "export * from './e.ts'",
    "import './f.ts'",
    "const g = await import('./g.ts')",
    "// import { H } from './h.ts'",
    "/** import './i.ts' */",
    "const text = `from './j.ts'`",
  ].join('\n')
  assert.deepEqual(importsOf(text), ['./a.ts', './b.ts', './d.ts', './e.ts', './f.ts', './g.ts'])
})

test('this test finds a planted circle and a planted upward import', () => {
  const planted = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ])
  assert.deepEqual(findCircle(planted), ['b', 'c', 'b'])
  assert.match(objection('src/core/clock.ts', 'src/engine/plan.ts'), /^upward/)
})
