/** The documents name what is there: links lead somewhere, the tree of the architecture is the real one. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { projectRoot } from './sources.ts'

const projectUrl = pathToFileURL(projectRoot)

const documents = ['*.md', 'docs/**/*.md'].flatMap((pattern) => globSync(pattern, { cwd: projectRoot }))

function read(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8')
}

/** A heading's name in links, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

test('every link of the documents leads to a file, and to a heading of it', () => {
  const bad: string[] = []
  for (const path of documents) {
    for (const match of read(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      const [file = '', anchor = ''] = (match[1] ?? '').split('#')
      if (/^https?:/.test(file)) continue
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(join(projectRoot, target))) bad.push(`${path}: ${match[1]}`)
      else if (anchor !== '' && !headingsOf(target).includes(anchor)) bad.push(`${path}: ${match[1]}`)
    }
  }
  assert.deepEqual(bad, [])
})

function headingsOf(path: string): string[] {
  return Array.from(read(path).matchAll(/^#+ (.+)$/gm), (match) => anchorOf(match[1] ?? ''))
}

/** The lines of the tree of docs/architecture.md by room: 'net/' → its text. */
function treeRooms(): Map<string, string> {
  const block = /```\nsrc\/\n([^]*?)```/.exec(read('docs/architecture.md'))?.[1] ?? ''
  const rooms = new Map<string, string>()
  let room = ''
  for (const line of block.split('\n')) {
    const start = /^ {2}([\w-]+\/?(?:\.ts)?) +\d/.exec(line)
    if (start !== null) room = start[1] ?? ''
    rooms.set(room, `${rooms.get(room) ?? ''}\n${line}`)
  }
  return rooms
}

test('the tree of the architecture names every room and no file that is not there', () => {
  const rooms = treeRooms()
  const real = readdirSync(join(projectRoot, 'src'), { withFileTypes: true }).map((entry) =>
    entry.isDirectory() ? `${entry.name}/` : entry.name,
  )
  const named = [...rooms.values()].join('\n')
  assert.deepEqual(
    real.filter((name) => !rooms.has(name) && !named.includes(` ${name}`)),
    [],
  )
  const bad: string[] = []
  for (const [room, text] of rooms) {
    const folder = room.endsWith('/') ? join('src', room) : 'src'
    for (const [file] of text.matchAll(/(?<=[ (:])[a-z][a-z0-9/-]*\.ts/g))
      if (!existsSync(join(projectRoot, folder, file))) bad.push(`${room} ${file}`)
  }
  assert.deepEqual(bad, [])
})

test('files and folders that the documents name in code are there', () => {
  const bad: string[] = []
  for (const path of documents) {
    for (const match of read(path).matchAll(/`((?:src|test|scripts|bench|docs|examples)\/[\w./*-]+)`/g)) {
      const name = (match[1] ?? '').replace(/\/\*.*$/, '')
      if (!existsSync(join(projectRoot, name))) bad.push(`${path}: ${name}`)
    }
  }
  assert.deepEqual(bad, [])
})

test('every decision record is in the index, under its own number', () => {
  const index = read('docs/decisions/README.md')
  const records = readdirSync(join(projectRoot, 'docs/decisions')).filter((name) => /^\d{4}-/.test(name))
  assert.deepEqual(
    records.filter((name) => !index.includes(`(${name})`)),
    [],
  )
  const numbers = records.map((name) => name.slice(0, 4))
  assert.equal(new Set(numbers).size, numbers.length, 'two records have one number')
})

test('the configs in the README are right, and its example of the library runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-readme-'))
  try {
    const blocks = Array.from(read('README.md').matchAll(/```ts\n([^]*?)```/g), (match) => match[1] ?? '')
    const config = blocks.find((block) => block.includes('export default defineConfig'))
    const library = blocks.find((block) => block.includes('createServer('))
    assert.ok(config !== undefined && library !== undefined)
    writeFileSync(join(folder, 'headgate.config.ts'), config)
    const check = run('bin/headgate.js', 'check', join(folder, 'headgate.config.ts'))
    assert.equal(check.status, 0, check.stdout + check.stderr)
    const program = library
      .replace("from 'headgate'", `from '${new URL('src/index.ts', projectUrl).href}'`)
      .replace('port: 8080', "port: 0, host: '127.0.0.1'")
    writeFileSync(join(folder, 'library.ts'), `${program}\nawait server.close()\n`)
    const used = run(join(folder, 'library.ts'))
    assert.equal(used.status, 0, used.stderr)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd: projectRoot, encoding: 'utf8', timeout: 120_000 })
}
