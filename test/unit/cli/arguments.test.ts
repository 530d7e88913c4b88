import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from '../../../src/cli/arguments.ts'
import { UsageError, type Command } from '../../../src/cli/command.ts'

const command: Command = {
  name: 'try',
  usage: '',
  summary: '',
  details: '',
  options: [
    { name: 'config', short: 'c', value: 'FILE', description: '' },
    { name: 'header', short: 'H', value: 'FIELD', isMany: true, description: '' },
    { name: 'watch', short: 'w', value: '', description: '' },
  ],
  positionalsMax: 1,
  examples: [],
  run: async () => 0,
}

function refusal(...args: string[]): string {
  try {
    parseCommandLine(command, args)
    return '(taken)'
  } catch (error) {
    assert.ok(error instanceof UsageError)
    return error.message
  }
}

test('options long and short, with a value behind them or after =', () => {
  for (const args of [['--config', 'f'], ['--config=f'], ['-c', 'f'], ['-cf']]) {
    assert.equal(parseCommandLine(command, args).value('config'), 'f', args.join(' '))
  }
  const parsed = parseCommandLine(command, ['x', '-w', '-H', 'a: b', '--header=c: d'])
  assert.deepEqual(parsed.positionals, ['x'])
  assert.equal(parsed.has('watch'), true)
  assert.equal(parsed.has('config'), false)
  assert.equal(parsed.value('config'), undefined)
  assert.deepEqual(parsed.values('header'), ['a: b', 'c: d'])
})

test('what follows -- is no option', () => {
  assert.deepEqual(parseCommandLine(command, ['--', '--watch']).positionals, ['--watch'])
})

test('an unknown option is told with the nearest', () => {
  assert.equal(refusal('--confg', 'x'), 'unknown option --confg; did you mean "--config"?')
  assert.equal(refusal('--zzz'), 'unknown option --zzz')
  assert.equal(refusal('-z'), 'unknown option -z')
})

test('values that are missing, too many or not wanted are refused', () => {
  assert.match(refusal('--config'), /needs a value: --config FILE/)
  assert.match(refusal('--config='), /needs a value/)
  assert.match(refusal('-c', 'a', '-c', 'b'), /stands twice/)
  assert.match(refusal('--watch=yes'), /takes no value/)
  assert.match(refusal('a', 'b'), /"b" is one argument too many/)
})
