/**
 * The corpus of hostile requests and answers with real web servers as origins: each request is refused or forwarded with
 * one reading, the requests that the origin counted are those that Headgate took, nothing hangs, and the next client is
 * served.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostileAnswers } from '../golden/hostile/answers.ts'
import { hostileRequests, type HostileRequest } from '../golden/hostile/requests.ts'
import { needs } from '../programs.ts'
import { HostileEdge } from './hostile-edge.ts'
import { Answerer, listen, statusOf, talk } from './recorder.ts'
import { WebServer } from './web-servers.ts'

/** Both read the whole body of a request, of whatever method, before they answer 200. */
const nginxReader = `
    location / { proxy_pass http://unix:\${FOLDER}/inner.sock; }
  }
  server {
    listen unix:\${FOLDER}/inner.sock;
    access_log off;
    location / { return 200 ok; }`

const apacheReader = `LuaMapHandler .* "\${FOLDER}/public/read.lua"`
const luaReader = `function handle(r)
  r:requestbody()
  r.content_type = 'text/plain'
  r:write('ok')
  return apache2.OK
end
`

interface Peer {
  readonly program: string
  readonly start: () => Promise<WebServer>
  /** What it refuses itself, which is its right. */
  readonly refuses: RegExp
}

const peers: readonly Peer[] = [
  { program: 'nginx', start: () => WebServer.nginx(nginxReader), refuses: /^OPTIONS \*$/ },
  {
    program: 'apache2',
    start: async () => {
      const server = await WebServer.apache(apacheReader)
      server.write('read.lua', luaReader)
      return server
    },
    refuses: /^OPTIONS \*$/,
  },
]

const oneAnswer = /HTTP\/1\.1 [2-5]\d\d [^]*?\r\n\r\n/
const twoAnswers = /HTTP\/1\.1 200[^]*HTTP\/1\.1 200[^]*\r\n\r\n/

function untilOf(hostile: HostileRequest): RegExp {
  if (hostile.forward === 2) return twoAnswers
  return hostile.forward === 1 ? oneAnswer : /$^/
}

/** Whole requests, each of which an origin answers with 200. */
const isWhole = (line: string): boolean => line.startsWith('200 ')
const isMarker = (line: string): boolean => line.includes(' /marker')

/** The next client is served; and since the origin logs in the order in which it ends, what came before is logged. */
async function passMarker(port: number, origin: WebServer): Promise<void> {
  const request = 'GET /marker HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'
  const markers = origin.log.filter(isMarker).length
  const next = await talk(port, request, /$^/)
  assert.equal(statusOf(next.text), 200, 'the next client is served')
  assert.ok(next.isClosed)
  const endMs = performance.now() + 2000
  while (origin.log.filter(isMarker).length === markers && performance.now() < endMs) await sleep(2)
}

for (const { program, start, refuses } of peers) {
  describe(`hostile requests, ${program} as origin`, { skip: needs(program) }, () => {
    let origin: WebServer
    let edge: HostileEdge
    before(async () => {
      origin = await start()
      edge = await HostileEdge.start(origin.port)
    })
    after(async () => {
      await origin?.stop()
    })

    for (const hostile of hostileRequests) {
      if (refuses.test(hostile.name)) continue
      it(`${hostile.name}: ${hostile.status ?? 'taken as often as it was sent'}`, async () => {
        const from = origin.log.length
        const reply = await talk(edge.port, hostile.bytes, untilOf(hostile))
        const text = JSON.stringify(reply.text.slice(0, 300))
        assert.equal(statusOf(reply.text), hostile.status ?? 200, text)
        if (hostile.status !== undefined) assert.ok(reply.isClosed, text)
        await passMarker(edge.port, origin)
        const lines = origin.log.slice(from).filter((line) => !isMarker(line))
        assert.equal(lines.filter(isWhole).length, hostile.forward ?? 0, lines.join('\n'))
      })
    }

    it('the origin has counted as many whole requests as Headgate', async () => {
      const taken = (await edge.stop()).filter((line) => line.status === 200)
      assert.ok(taken.length > 200)
      assert.equal(origin.log.filter(isWhole).length, taken.length)
    })
  })
}

const passing = {
  nginx: (port: number) =>
    WebServer.nginx(`location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${port}; }`),
  apache2: (port: number) => {
    const modules = ['proxy', 'proxy_http']
    const load = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
    return WebServer.apache(`${load.join('\n')}\nProxyPass / http://127.0.0.1:${port}/ retry=0`)
  },
}

for (const [program, start] of Object.entries(passing)) {
  describe(`hostile answers, ${program} between them and Headgate`, { skip: needs(program) }, () => {
    const answerer = new Answerer()
    let between: WebServer
    let edge: HostileEdge
    before(async () => {
      between = await start(await listen(answerer.server))
      edge = await HostileEdge.start(between.port)
    })
    after(async () => {
      await edge?.stop()
      await between?.stop()
      answerer.close()
    })

    for (const hostile of hostileAnswers) {
      it(`${hostile.name}: nothing hangs, nothing foreign, a cut answer looks cut`, async () => {
        answerer.answer = hostile.bytes
        answerer.closes = true
        const method = hostile.method ?? 'GET'
        const request = `${method} / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`
        const reply = await talk(edge.port, request, /$^/)
        const text = JSON.stringify(reply.text.slice(0, 300))
        assert.ok(reply.isClosed, text)
        assert.ok(statusOf(reply.text) >= 200, text)
        assert.doesNotMatch(reply.text, /evil/)
        // What else is cut those between may read as whole, and send on whole.
        const wasCutShort = hostile.truncated === true && hostile.closes === true
        if (wasCutShort && statusOf(reply.text) === 200) {
          const length = /content-length: (\d+)/i.exec(reply.text)?.[1]
          const body = reply.text.slice(reply.text.indexOf('\r\n\r\n') + 4)
          const isCut = length === undefined ? !body.endsWith('\r\n0\r\n\r\n') : body.length < Number(length)
          assert.ok(isCut, `visibly cut: ${text}`)
        }
        answerer.answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
        answerer.closes = false
        const next = await talk(edge.port, request.replace('HEAD', 'GET'), /$^/)
        assert.equal(statusOf(next.text), 200)
        assert.match(next.text, /\r\n\r\nok$/)
      })
    }
  })
}
