import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileLock } from '../../../../src/tls/acme/file-lock.ts'
import { FileStorage } from '../../../../src/tls/acme/file-storage.ts'
import { temporaryFolder } from './folder.ts'

const never = new AbortController().signal

test('what is written is read back, whole, by nobody else, and listed', async (t) => {
  const folder = temporaryFolder(t)
  const storage = new FileStorage(join(folder, 'deep'))
  assert.equal(await storage.read('a/b.pem'), null)
  await storage.write('a/b.pem', 'one')
  await storage.write('a/b.pem', 'two')
  assert.equal(await storage.read('a/b.pem'), 'two')
  assert.deepEqual(await storage.list('a'), ['a/b.pem'])
  assert.equal(statSync(join(folder, 'deep/a/b.pem')).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, 'deep/a')).mode & 0o777, 0o700)
  await storage.remove('a/b.pem')
  await storage.remove('a/b.pem')
  assert.deepEqual(await storage.list('a'), [])
  assert.deepEqual(await storage.list('nothing'), [])
})

test('writes at the same time leave one of them, and no rest', async (t) => {
  const folder = temporaryFolder(t)
  const storage = new FileStorage(folder)
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000))
  await Promise.all(texts.map((text) => storage.write('x', text)))
  assert.ok(texts.includes((await storage.read('x')) ?? ''))
  assert.deepEqual(readdirSync(folder), ['x'])
})

test('a folder that cannot be made is told with the key of the config', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const storage = new FileStorage(join(folder, 'file', 'below'))
  await assert.rejects(storage.write('a/b', 'x'), /"tls\.storage"\) cannot be written: ENOTDIR/)
})

test('no key leads out of the folder', async (t) => {
  const storage = new FileStorage(temporaryFolder(t))
  for (const key of ['../x', 'a/../../x', '/etc/passwd', 'a//b', '.', 'a\0b'])
    await assert.rejects(storage.read(key), /is not a key/, key)
})

test('of several who want a lock one has it at a time, and each in the end', async (t) => {
  const storage = new FileStorage(temporaryFolder(t))
  let holders = 0
  let most = 0
  const turns = Array.from({ length: 4 }, async () => {
    const lock = await storage.lock('ca/www.example.com', never)
    most = Math.max(most, ++holders)
    await sleep(5)
    holders--
    await lock.release()
  })
  await Promise.all(turns)
  assert.equal(most, 1)
})

test('the lock of a process that is gone is taken over at once', async (t) => {
  const path = join(temporaryFolder(t), 'x.lock')
  const { pid } = spawnSync(process.execPath, ['--eval', ''])
  writeFileSync(path, JSON.stringify({ host: hostname(), pid, process: 'x', lock: 'y', beat: 1 }))
  const lock = await FileLock.take(path, never, { beatMs: 1000, staleMs: 1e9, lookMs: 10 })
  await lock.release()
  assert.deepEqual(readdirSync(join(path, '..')), [])
})

test('a lock of an earlier process with our number is old: containers have few numbers', async (t) => {
  const path = join(temporaryFolder(t), 'x.lock')
  writeFileSync(
    path,
    JSON.stringify({ host: hostname(), pid: process.pid, process: 'x', lock: 'y', beat: 1 }),
  )
  const lock = await FileLock.take(path, never, { beatMs: 1000, staleMs: 1e9, lookMs: 10 })
  await lock.release()
})

test('the lock of another machine is stale when its beat stands still, whatever its clock says', async (t) => {
  const path = join(temporaryFolder(t), 'x.lock')
  const holder = { host: 'elsewhere', pid: 1, process: 'x', lock: 'y' }
  let beat = 0
  const beating = setInterval(() => writeFileSync(path, JSON.stringify({ ...holder, beat: beat++ })), 20)
  t.after(() => clearInterval(beating))
  writeFileSync(path, JSON.stringify({ ...holder, beat: -1 }))
  const times = { beatMs: 1000, staleMs: 400, lookMs: 10 }
  const ends = new AbortController()
  const tried = FileLock.take(path, ends.signal, times)
  await sleep(600)
  ends.abort()
  await assert.rejects(tried, 'while it beats')
  clearInterval(beating)
  const lock = await FileLock.take(path, never, times)
  await lock.release()
})

test('a holder whose lock was taken away learns it, and leaves the other one alone', async (t) => {
  const path = join(temporaryFolder(t), 'x.lock')
  const lock = await FileLock.take(path, never, { beatMs: 20, staleMs: 1000, lookMs: 10 })
  writeFileSync(path, JSON.stringify({ host: 'elsewhere', pid: 1, process: 'x', lock: 'y', beat: 1 }))
  for (let i = 0; i < 200 && !lock.isLost; i++) await sleep(20)
  assert.equal(lock.isLost, true)
  await lock.release()
  assert.deepEqual(readdirSync(join(path, '..')), ['x.lock'])
})
