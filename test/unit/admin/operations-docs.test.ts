import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { operationsDocs } from '../../../scripts/operations-docs.ts'
import * as exitCodes from '../../../src/supervisor/exit-codes.ts'

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')

test('the tables of metrics and faults in docs/operations.md are those of the code (npm run docs)', () => {
  assert.equal(page, operationsDocs(page))
})

test('every exit code is in docs/operations.md', () => {
  for (const code of Object.values(exitCodes)) assert.match(page, new RegExp(`^\\| ${code} \\|`, 'm'))
})

test('the systemd unit does not start again after a start that failed or a wrong command line', () => {
  const unit = readFileSync(new URL('../../../examples/systemd/headgate.service', import.meta.url), 'utf8')
  assert.ok(unit.includes(`RestartPreventExitStatus=${exitCodes.exitFailedStart} ${exitCodes.exitUsage}\n`))
})
