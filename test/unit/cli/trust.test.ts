import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { needs } from '../../programs.ts'
import { commandLine } from './command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-trust-'))
after(() => rmSync(folder, { recursive: true }))

test('trust makes a root once and tells where it is', async () => {
  const first = await commandLine(['trust', '--storage', folder])
  assert.equal(first.code, 0, first.err)
  assert.ok(first.out.startsWith(join(folder, 'local/root.crt')))
  assert.match(first.out, /SHA-256 [0-9A-F:]{95}/)
  const second = await commandLine(['trust', '--storage', folder])
  assert.equal(second.out, first.out)
  assert.match(readFileSync(join(folder, 'local/root.crt'), 'utf8'), /^-----BEGIN CERTIFICATE-----/)
  assert.doesNotMatch(readFileSync(join(folder, 'local/root.crt'), 'utf8'), /PRIVATE/)
})

test('to install and to remove at once is a mistake', async () => {
  assert.equal((await commandLine(['trust', '--install', '--remove', '--storage', folder])).code, 64)
})

test('the databases of browsers get the root and lose it again', { skip: needs('certutil') }, async () => {
  const home = join(folder, 'home')
  const database = join(home, '.pki/nssdb')
  mkdirSync(database, { recursive: true })
  const certutil = (...args: string[]): string =>
    spawnSync('certutil', [...args, '-d', `sql:${database}`], { encoding: 'utf8' }).stdout
  certutil('-N', '--empty-password')
  // Only what is below a home of the test's own is touched: PATH has no sudo, and no list of the system is updated.
  const { trustStores } = await import('../../../src/cli/trust-store.ts')
  const before = process.env['HOME']
  process.env['HOME'] = home
  try {
    const store = trustStores().find(({ name }) => name.includes(database))
    assert.ok(store !== undefined)
    const root = join(folder, 'local/root.crt')
    assert.equal(store.install(root), '')
    assert.equal(store.install(root), '', 'again')
    assert.match(certutil('-L'), /Headgate local authority\s+C,,/)
    assert.equal(store.remove(root), '')
    assert.doesNotMatch(certutil('-L'), /Headgate/)
  } finally {
    if (before === undefined) delete process.env['HOME']
    else process.env['HOME'] = before
  }
})
