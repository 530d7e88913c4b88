/** What a check says of a config, as lines of text. */
import assert from 'node:assert/strict'
import { checkConfig } from '../../../src/config/check.ts'
import { pathText } from '../../../src/config/problem.ts'

/** 'severity path: message' for each problem. */
export function problems(input: unknown): string[] {
  return checkConfig(input).problems.map(
    ({ severity, path, message }) => `${severity} ${pathText(path)}: ${message}`,
  )
}

export function has(input: unknown, pattern: RegExp): void {
  const found = problems(input)
  assert.ok(
    found.some((text) => pattern.test(text)),
    `${String(pattern)} is not in\n${found.join('\n')}`,
  )
}
