import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandLine } from './command-line.ts'

test('no command, --help and help show the commands', async () => {
  for (const args of [[], ['--help'], ['-h'], ['help']]) {
    const { code, out } = await commandLine(args)
    assert.equal(code, 0)
    for (const name of ['run', 'proxy', 'check', 'explain', 'schema', 'version'])
      assert.match(out, new RegExp(`^  ${name} `, 'm'))
  }
})

const names = [
  'run',
  'proxy',
  'check',
  'explain',
  'reload',
  'purge',
  'cert',
  'trust',
  'schema',
  'demo',
  'version',
]

test('each command has its help', async () => {
  for (const name of names) {
    const { code, out } = await commandLine([name, '--help'])
    assert.equal(code, 0, name)
    assert.match(out, new RegExp(`^Usage\\n  headgate ${name}`, 'm'))
    assert.ok(
      out.split('\n').every((line) => line.length <= 100),
      name,
    )
  }
})
