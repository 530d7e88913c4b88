import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from '../../../src/cli/arguments.ts'
import { UsageError } from '../../../src/cli/command.ts'
import { proxyCommand, proxyConfig } from '../../../src/cli/proxy.ts'
import { readConfig } from '../../../src/config/load.ts'
import type { ConfigDocument } from '../../../src/config/document.ts'

function documentOf(...args: string[]): ConfigDocument {
  const loaded = readConfig(proxyConfig(parseCommandLine(proxyCommand, args)))
  assert.deepEqual(loaded.problems, [])
  return loaded.document as ConfigDocument
}

test('one server behind port 8080 is the shortest', () => {
  const document = documentOf('--to', 'http://127.0.0.1:3000')
  assert.equal(document.listeners[0]?.name, ':8080')
  assert.deepEqual(document.origins['app']?.servers, [{ url: 'http://127.0.0.1:3000', weight: 1 }])
  assert.equal(document.origins['app']?.hostHeader, 'client')
  assert.equal(document.log.access, false)
  assert.equal(document.workers, 1)
})

test('several servers and listeners, each way of saying it', () => {
  const servers = [
    { url: 'a:1', weight: 1 },
    { url: 'b:2', weight: 1 },
  ]
  assert.deepEqual(documentOf('-t', 'a:1', '-t', 'b:2').origins['app']?.servers, servers)
  assert.deepEqual(documentOf('--to', 'a:1', 'b:2').origins['app']?.servers, servers)
  const { listeners } = documentOf('--from', ':1', '-f', 'unix:/a', '-t', 'a:1')
  assert.deepEqual(
    listeners.map(({ name }) => name),
    [':1', 'unix:/a'],
  )
})

test('fields of the request and of the answer are set, and removed when they have no value', () => {
  const document = documentOf('-t', 'a:1', '-H', 'X-A: {client_ip}', '-H', 'X-B:', '-d', 'X-C: d')
  const headers = document.sites['*']?.[0]?.headers
  assert.deepEqual(headers?.request, { set: { 'X-A': '{client_ip}' }, remove: ['X-B'], add: {} })
  assert.deepEqual(headers?.response, { set: { 'X-C': 'd' }, remove: [], add: {}, always: false })
})

test('Host is the origin’s, the client’s, or a name of one’s own', () => {
  assert.equal(documentOf('-t', 'a:1', '-c').origins['app']?.hostHeader, 'origin')
  assert.equal(documentOf('-t', 'a:1', '-H', 'host: x.example').origins['app']?.hostHeader, 'x.example')
  assert.throws(() => documentOf('-t', 'a:1', '-c', '-H', 'Host: x'), UsageError)
})

test('the log, the workers, and more to be told', () => {
  const document = documentOf('-t', 'a:1', '--access-log', '-v', '--workers', 'auto')
  assert.deepEqual([document.log.access, document.log.level, document.workers], ['combined', 'debug', 'auto'])
  assert.equal(documentOf('-t', 'a:1', '--workers', '3').workers, 3)
})

test('what cannot be meant is refused', () => {
  for (const args of [
    [],
    ['-t', 'http://a/b'],
    ['-t', 'a:1', '-H', 'nonsense'],
    ['-t', 'a:1', '--workers', '0'],
  ]) {
    assert.throws(() => documentOf(...args), UsageError, args.join(' '))
  }
})
