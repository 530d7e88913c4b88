/** The program at work: `run` and `proxy` in processes of their own, in front of a real server. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { headgate, program } from '../unit/cli/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-real-'))
const origin = http.createServer((request, response) =>
  response.end(`${request.url} ${[request.headers['x-a'] ?? ''].join()}`),
)
let originPort = 0

before(async () => {
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  originPort = (origin.address() as AddressInfo).port
})
after(() => {
  origin.close()
  rmSync(folder, { recursive: true })
})

/** A running program; `said` is what it has written to stderr. */
class Running {
  readonly child: ChildProcess
  said = ''
  readonly #ended: Promise<number | null>

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.child.stderr?.on('data', (piece: Buffer) => (this.said += piece.toString('utf8')))
    this.#ended = new Promise((resolve) => this.child.on('exit', (code) => resolve(code)))
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (let i = 0; i < 400; i++) {
      const match = pattern.exec(this.said)
      if (match !== null) return match
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    throw new Error(`${String(pattern)} was not said in 10 s:\n${this.said}`)
  }

  async port(): Promise<number> {
    return Number((await this.until(/serves on 127\.0\.0\.1:(\d+)/))[1])
  }

  async end(): Promise<number | null> {
    this.child.kill('SIGTERM')
    return this.#ended
  }
}

function get(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
        let body = ''
        response.on('data', (piece: Buffer) => (body += piece.toString('utf8')))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      })
      .on('error', reject)
  })
}

test('proxy stands in front of a server, and TERM ends it with 0', async () => {
  const running = new Running([
    'proxy',
    '--from',
    '127.0.0.1:0',
    '--to',
    `127.0.0.1:${originPort}`,
    '-H',
    'X-A: {method}',
  ])
  try {
    assert.deepEqual(await get(await running.port(), '/x?y'), { status: 200, body: '/x?y GET' })
  } finally {
    assert.equal(await running.end(), 0, running.said)
  }
})

test('run serves by a file, reload takes a changed one, and a wrong one changes nothing', async () => {
  const file = join(folder, 'edge.yaml')
  const admin = `unix:${join(folder, 'admin.sock')}`
  const config = (status: string): string =>
    `listeners: ['127.0.0.1:0']\nworkers: 1\nadmin: ${admin}\nsites: { '*': { respond: ${status} } }\n`
  writeFileSync(file, config('410'))
  const running = new Running(['run', '-c', file, '--pidfile', join(folder, 'pid')])
  try {
    const port = await running.port()
    assert.equal((await get(port, '/')).status, 410)
    assert.equal(Number(readFileSync(join(folder, 'pid'), 'utf8')), running.child.pid)
    writeFileSync(file, config('404'))
    assert.equal((await headgate(['reload', '-c', file])).code, 0)
    assert.equal((await get(port, '/')).status, 404)
    writeFileSync(file, config('99'))
    const refused = await headgate(['reload', '--admin', admin])
    assert.equal(refused.code, 1)
    assert.match(refused.err, /the old config runs on\n.*edge\.yaml:4:\d+: sites/)
    assert.equal((await get(port, '/')).status, 404)
  } finally {
    assert.equal(await running.end(), 0, running.said)
  }
})

test('run --watch takes a change of a file that the config imports', async () => {
  writeFileSync(join(folder, 'status.ts'), 'export const status: number = 410\n')
  writeFileSync(
    join(folder, 'headgate.config.ts'),
    `import { defineConfig } from 'headgate'
import { status } from './status.ts'

export default defineConfig({ listeners: '127.0.0.1:0', workers: 1, sites: { '*': { respond: status } } })
`,
  )
  const running = new Running(['run', '--watch'])
  try {
    const port = await running.port()
    assert.equal((await get(port, '/')).status, 410)
    writeFileSync(join(folder, 'status.ts'), 'export const status: number = 404\n')
    await running.until(/config taken/)
    assert.equal((await get(port, '/')).status, 404)
  } finally {
    assert.equal(await running.end(), 0, running.said)
  }
})
