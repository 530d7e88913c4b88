/**
 * Fuzz target: the request target and Host.
 *
 * Invariants: the parsers never throw; what is accepted is visible ASCII, has a normal path, and is accepted again with
 * the same meaning in the form in which it is forwarded; an authority is told again by its own text.
 */
import assert from 'node:assert/strict'
import { Faults, NONE } from '../../src/core/faults.ts'
import { RequestHead } from '../../src/http/message.ts'
import { normalPath, parseAuthority, readTarget } from '../../src/http/target.ts'
import type { FuzzTarget } from './mutate.ts'

function checkTarget(text: string, method: string): void {
  const head = new RequestHead()
  head.method = method
  const fault = readTarget(text, head)
  if (fault !== NONE) {
    assert.ok(fault === Faults.TARGET_BAD || fault === Faults.METHOD_NOT_SERVED)
    return
  }
  assert.match(head.target, /^(?:\*|\/[!"$-~]*)$/)
  assert.equal(head.target.slice(head.queryStart), head.query)
  assert.doesNotMatch(head.target.slice(0, head.queryStart), /\?/)
  if (head.target !== '*') checkPath(head.target.slice(0, head.queryStart), head.path)
  const again = new RequestHead()
  again.method = method
  assert.equal(readTarget(head.target, again), NONE)
  assert.deepEqual([again.target, again.path, again.queryStart], [head.target, head.path, head.queryStart])
}

function checkPath(raw: string, path: string): void {
  assert.equal(normalPath(raw), path)
  assert.equal(normalPath(path), path)
  assert.doesNotMatch(path, /\/\/|\/\.\.?(?:\/|$)|\\|[#?]/)
  // Dots that an origin would find by decoding once more than we did.
  const decoded = path.replace(/%([\dA-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 16)),
  )
  assert.doesNotMatch(decoded.replaceAll('\\', '/'), /\/\.\.?(?:[/;]|$)/)
}

function checkAuthority(text: string): void {
  const authority = parseAuthority(text)
  if (authority === null) return
  assert.match(authority.text, /^[\w.~:[\]-]*$/)
  assert.equal(authority.host, authority.host.toLowerCase())
  assert.deepEqual(parseAuthority(authority.text), authority)
}

export const target: FuzzTarget = {
  corpus: [
    '/',
    '/a/b.c?d=e&f=%20',
    '/x/../admin',
    '/%61dmin/%2e%2E/./y//z',
    'http://user@example.com:8080/a?b',
    'HTTPS://[2001:db8::1]:443?x',
    '*',
    'example.com:443',
    '/a%2f..%5cb;c/..;/d',
    '[::1]:80',
    'example.com.:65535',
    '127.0.0.1',
  ],
  words: [
    '/',
    '//',
    '/.',
    '/..',
    '/../',
    '%2e',
    '%2F',
    '%5c',
    '%25',
    '%00',
    '%',
    ';',
    '\\',
    '?',
    '#',
    ':',
    '@',
    '[',
    ']',
    'http://',
    '..;/',
    '%3b',
    '.',
    ':80',
    '::',
  ],
  run(bytes) {
    const text = bytes.toString('latin1')
    for (const method of ['GET', 'OPTIONS', 'CONNECT']) checkTarget(text, method)
    checkAuthority(text)
    const path = '/' + text
    const normal = normalPath(path)
    if (normal !== '') assert.equal(normalPath(normal), normal)
  },
}
