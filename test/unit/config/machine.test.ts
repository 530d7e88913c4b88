import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../../src/config/load.ts'
import { machineProblems } from '../../../src/config/machine.ts'
import { problemsText } from '../../../src/config/problem-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-machine-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'taken'), '')

/** What is said of this config, without the lines of the file. */
async function told(text: string, quic = ''): Promise<string[]> {
  const file = join(folder, 'headgate.yaml')
  writeFileSync(file, `${text}\nsites: { localhost: '127.0.0.1:1' }\n`)
  const loadQuic = (): void => {
    if (quic !== '') throw new Error(quic)
  }
  const loaded = await loadConfig(file, (...asked) => machineProblems(...asked, loadQuic))
  return problemsText(loaded, undefined, 'F')
    .replaceAll(folder, 'FOLDER')
    .split('\n')
    .filter((line) => line.startsWith('F:'))
}

test('a machine that has all that a config needs is not spoken of', async () => {
  const config = [
    'listeners: [{ port: 0, tls: true, http3: true }]',
    `admin: unix:${folder}/admin.sock`,
    'log: { accessFile: ./access.log, errorFile: ./taken }',
    'cache: { disk: ./a/b/c }',
    'tls: { storage: ./d }',
  ]
  assert.deepEqual(await told(config.join('\n')), [])
})

test('a log whose folder is not there, or that is a folder, is told with the remedy', async () => {
  assert.deepEqual(await told('log: { accessFile: ./gone/a.log, errorFile: . }'), [
    'F:1:20: warning: log.accessFile: FOLDER/gone/a.log cannot be opened, so the start would fail: its folder does not exist; make it (mkdir -p FOLDER/gone)',
    'F:1:45: warning: log.errorFile: FOLDER is a folder; name a file in it',
  ])
  assert.deepEqual(await told('log: { access: false, accessFile: ./gone/a.log }'), [])
})

test('a socket whose folder is not there is told, of listeners and of the admin listener', async () => {
  const remedy =
    'FOLDER/gone/a.sock cannot be made: its folder does not exist; make it (mkdir -p FOLDER/gone).'
  assert.deepEqual(
    await told(`listeners: ['unix:${folder}/gone/a.sock']\nadmin: unix:${folder}/gone/a.sock`),
    [
      `F:1:13: warning: listeners[0]: the start would fail: unix:${remedy}`,
      `F:2:8: warning: admin: the start would fail: unix:${remedy}`,
    ],
  )
})

test('a folder of the cache or of certificates that cannot be made is told with what follows', async () => {
  const [cache, storage, ...more] = await told('cache: { disk: ./taken/a }\ntls: { storage: ./taken }')
  assert.equal(cache, 'F:1:16: warning: cache.disk: FOLDER/taken is no folder: nothing is kept on disk')
  assert.equal(
    storage,
    'F:2:17: warning: tls.storage: FOLDER/taken is no folder: no certificate is made by itself',
  )
  assert.deepEqual(more, [])
})

test('HTTP/3 without its package is an error at the listener that asks for it', async () => {
  const [only, ...more] = await told('listeners: [80, { port: 0, tls: true, http3: true }]', 'it is not here')
  assert.equal(only, 'F:1:46: listeners[1].http3: it is not here')
  assert.deepEqual(more, [])
})
