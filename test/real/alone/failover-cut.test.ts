/**
 * Answers that break off in the middle: whoever asked must see it, in every form that a body can have; and what broke
 * off before its first byte is asked elsewhere.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { CheckedLoad } from '../checked-load.ts'
import { EdgeProcess, readAccessLine } from '../edge-process.ts'
import { OriginProcess } from '../origin-process.ts'
import { talk } from '../recorder.ts'
import { until } from '../supervised.ts'

async function start(t: TestContext, names: readonly string[]): Promise<EdgeProcess> {
  const servers = names.map((name) => new OriginProcess(t, name))
  await Promise.all(servers.map((server) => server.start()))
  const edge = new EdgeProcess(t)
  edge.write({
    origins: { app: { servers: servers.map(({ url }) => url) } },
    sites: { '*': [{ origin: 'app' }] },
  })
  await edge.start()
  return edge
}

/** What a client can tell of an answer: was it whole? */
function isComplete(text: string, wasReset: boolean): boolean {
  const at = text.indexOf('\r\n\r\n')
  const head = text.slice(0, at)
  const body = text.slice(at + 4)
  if (/transfer-encoding: chunked/i.test(head)) return /(^|\r\n)0\r\n\r\n$/.test(body)
  const length = /content-length: (\d+)/i.exec(head)?.[1]
  return length === undefined ? !wasReset : body.length >= Number(length)
}

test('an answer that breaks off is never completed, whatever its form and the version of its client', async (t) => {
  const edge = await start(t, ['a'])
  let asked = 0
  for (const version of ['1.1', '1.0']) {
    // A FIN in the middle of a close-delimited body is its end: nobody can tell.
    for (const path of [
      'length',
      'length-fin',
      'chunked',
      'chunked-fin',
      'boundary',
      'boundary-fin',
      'close',
    ]) {
      const request = `GET /half/${path}?n=7 HTTP/${version}\r\nHost: a.example\r\n\r\n`
      const reply = await talk(edge.port, request, /$^/)
      asked++
      assert.ok(reply.isClosed, `${path} to HTTP/${version} is closed: ${reply.text.slice(0, 200)}`)
      assert.match(reply.text, /^HTTP\/1\.1 200 /)
      assert.match(reply.text, /a answers 7/, 'what had come was passed on')
      assert.ok(
        !isComplete(reply.text, reply.wasReset),
        `${path} to HTTP/${version}: ${reply.text.slice(-80)}`,
      )
    }
  }
  await until('the lines', () => edge.accessLines().length === asked)
  for (const line of edge.accessLines().map(readAccessLine)) {
    assert.equal(line.fault, 'http_response_incomplete', line.target)
    assert.equal(line.attempts, 1)
  }
})

test('a connection that breaks off before an answer, or in its head, is a 502 with a POST', async (t) => {
  const edge = await start(t, ['a', 'b'])
  for (const path of ['none', 'none-fin', 'head', 'head-fin']) {
    const request = `POST /half/${path}?n=7 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
    const reply = await talk(edge.port, request, /$^/)
    assert.match(reply.text, /^HTTP\/1\.1 502 /, path)
    assert.doesNotMatch(reply.text, /127\.0\.0\.1/)
  }
  await until('the lines', () => edge.accessLines().length === 4)
  for (const line of edge.accessLines().map(readAccessLine)) assert.equal(line.attempts, 1)
})

test('a server that breaks off every answer: its clients see it under load, and the others are not touched', async (t) => {
  const edge = await start(t, ['a', 'b'])
  const cut = new CheckedLoad({ port: edge.port, clients: 4, path: '/half/chunked', prefix: 'cut' })
  const whole = new CheckedLoad({ port: edge.port, clients: 6, prefix: 'whole' })
  await new Promise((resolve) => setTimeout(resolve, 1200))
  const [broken, fine] = [await cut.stop(), await whole.stop()]
  assert.ok(broken.length > 20)
  assert.ok(broken.every(({ isWhole, isRight, status }) => !isWhole && isRight && status === 200))
  assert.ok(fine.every(({ isWhole, isRight, status }) => isWhole && isRight && status === 200))
  t.diagnostic(`${broken.length} cut, ${fine.length} beside them whole`)
})
