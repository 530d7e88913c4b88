import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { dnsByProgram } from '../../../../../src/tls/acme/dns/program.ts'
import { temporaryFolder } from '../folder.ts'

const challenge = { type: 'dns-01', name: 'example.com', token: 'abc', keyAuthorization: 'abc.def' } as const

function program(t: TestContext, script: string): { path: string; log: string } {
  const folder = temporaryFolder(t)
  const path = join(folder, 'hook')
  writeFileSync(path, `#!/bin/sh\n${script.replaceAll('LOG', join(folder, 'log'))}\n`)
  chmodSync(path, 0o755)
  return { path, log: join(folder, 'log') }
}

function present(command: string, signal = new AbortController().signal): Promise<unknown> {
  return dnsByProgram({ command: [command], waitMs: 0 }).present(challenge, signal)
}

test('the program is told the record and its value, and to take it away again', async (t) => {
  const { path, log } = program(t, 'echo "$@" >>LOG')
  const answerer = dnsByProgram({ command: [path, 'zone1'], waitMs: 0 })
  const withdraw = await answerer.present(challenge, new AbortController().signal)
  await withdraw()
  const value = createHash('sha256').update('abc.def').digest('base64url')
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  assert.equal(lines.length, 2)
  assert.equal(lines[0], `zone1 present _acme-challenge.example.com. ${value}`)
  assert.equal(lines[1], lines[0]?.replace('present', 'cleanup'))
})

test('a program that fails, is missing or hangs is told with what it said', async (t) => {
  const failing = program(t, 'echo "no such zone" >&2; exit 3')
  await assert.rejects(present(failing.path), /hook present ended with 3: no such zone/)
  await assert.rejects(present('/nowhere/hook'), /hook present failed: .*ENOENT/)
  const hanging = program(t, 'exec sleep 60')
  await assert.rejects(present(hanging.path, AbortSignal.timeout(200)), /it was ended/)
})
