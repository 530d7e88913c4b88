/** Real programs behind listeners that pass connections on: HAProxy and nginx as receivers of the PROXY protocol, TLS by name. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { needs } from '../programs.ts'
import { makeIdentity } from '../unit/net/tls-identity.ts'
import { curl } from './curl.ts'
import { EdgeProcess, makeFolder } from './edge-process.ts'
import { running } from './running.ts'
import { until } from './supervised.ts'
import { freePort } from './free-port.ts'
import { WebServer } from './web-servers.ts'

async function edgeTo(t: TestContext, tcp: unknown, origins: object, workers = 1): Promise<EdgeProcess> {
  const edge = new EdgeProcess(t)
  const listeners = [{ host: '127.0.0.1', port: 0, tcp }]
  edge.write({ listeners, origins, workers, sites: { '*': [{ respond: 204 }] } })
  await edge.start()
  return edge
}

for (const version of ['v1', 'v2']) {
  test(`HAProxy hears by ${version} who the client is`, { skip: needs('haproxy', 'curl') }, async (t) => {
    const port = await freePort()
    const path = join(makeFolder(t), 'haproxy.cfg')
    writeFileSync(
      path,
      `defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend in
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst_port]"
`,
    )
    await running(t, 'haproxy', ['-db', '-f', path], port)
    const origin = { servers: [`127.0.0.1:${port}`], proxyProtocol: version }
    const edge = await edgeTo(t, 'proxied', { proxied: origin }, 2)
    const answer = await curl(
      '--local-port',
      '40000-60000',
      '-w',
      ' %{local_port}',
      `http://127.0.0.1:${edge.port}/`,
    )
    const [source, sourcePort, destinationPort, localPort] = answer.text.split(' ')
    assert.deepEqual([source, sourcePort, destinationPort], ['127.0.0.1', localPort, String(edge.port)])
    await until('the line', () => edge.accessLines().length === 1)
    assert.match(edge.accessLines()[0] ?? '', /"CONNECT - TCP" 200 .*\[\*\]" 127\.0\.0\.1:\d+ /)
  })
}

test(
  'nginx behind its own TLS is reached by its name, and curl sees its certificate',
  { skip: needs('nginx', 'curl') },
  async (t) => {
    const folder = makeFolder(t)
    const port = await freePort()
    const { cert, key } = await makeIdentity(['inside.example'], { isSelfSigned: true })
    writeFileSync(join(folder, 'cert.pem'), cert)
    writeFileSync(join(folder, 'key.pem'), key)
    const nginx = await WebServer.nginx(`
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`)
    t.after(() => nginx.stop())
    nginx.write('a.txt', 'over TLS')
    const edge = await edgeTo(t, { 'inside.example': `127.0.0.1:${port}` }, {})
    const at = ['--resolve', `inside.example:${edge.port}:127.0.0.1`, '--cacert', join(folder, 'cert.pem')]
    const answer = await curl(...at, `https://inside.example:${edge.port}/a.txt`)
    assert.equal(answer.text, 'over TLS')
    // Everybody else is served by the listener itself.
    assert.equal((await curl(`http://127.0.0.1:${edge.port}/`)).status, 204)
    assert.equal((await curl('-k', `https://127.0.0.1:${edge.port}/`)).exit !== 0, true)
  },
)
