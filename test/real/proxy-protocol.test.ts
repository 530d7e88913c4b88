/** Real senders of the PROXY protocol in front of Headgate: curl, HAProxy and nginx. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { needs } from '../programs.ts'
import { curl } from './curl.ts'
import { EdgeProcess, makeFolder } from './edge-process.ts'
import { running } from './running.ts'
import { until } from './supervised.ts'
import { freePort } from './free-port.ts'

const sites = { '*': [{ redirect: 'http://r/{scheme}/{client_ip}' }] }

/** Listens where everybody of this machine has to announce the client, and once more where nobody may. */
async function announcedEdge(t: TestContext, more: object = {}): Promise<EdgeProcess> {
  const edge = new EdgeProcess(t)
  edge.write({
    listeners: [{ host: '127.0.0.1', port: 0, proxyProtocol: ['127.0.0.0/8'] }, '127.0.0.2:0'],
    log: { accessFile: edge.accessPath, errorFile: edge.errorsPath, access: 'json' },
    sites,
    ...more,
  })
  await edge.start()
  return edge
}

const request = 'GET /far HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'

function ask(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (bytes) => (answer += bytes.toString('latin1'))).on('error', () => {})
    socket.on('close', () => resolve(answer)).write(text)
  })
}

test('curl --haproxy-protocol announces itself', { skip: needs('curl') }, async (t) => {
  const edge = await announcedEdge(t)
  const announced = edge.port
  const plain = edge.portOf(1)
  const url = `http://127.0.0.1:${announced}/`
  const answer = await curl('--haproxy-protocol', url)
  assert.equal(answer.fields.get('location'), 'http://r/http/127.0.0.1')
  assert.equal((await curl(url)).exit, 52)
  assert.equal((await curl(`http://127.0.0.2:${plain}/`)).fields.get('location'), 'http://r/http/127.0.0.1')
  assert.equal((await curl('--haproxy-protocol', `http://127.0.0.2:${plain}/`)).status, 400)
})

for (const version of [
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2 proxy-v2-options crc32c,unique-id,authority',
]) {
  test(`HAProxy with ${version} announces its clients`, { skip: needs('haproxy', 'curl') }, async (t) => {
    const edge = await announcedEdge(t)
    const port = await freePort()
    const path = join(makeFolder(t), 'haproxy.cfg')
    const uniqueId = version.includes('unique-id') ? 'unique-id-format %pid-%rt' : ''
    writeFileSync(
      path,
      `defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend in
  bind 127.0.0.1:${port}
  bind 127.0.0.1:${port + 1} accept-proxy
  ${uniqueId}
  default_backend edge
backend edge
  server edge 127.0.0.1:${edge.port} ${version} check check-send-proxy inter 100ms
`,
    )
    await running(t, 'haproxy', ['-db', '-f', path], port)
    assert.equal((await curl(`http://127.0.0.1:${port}/`)).fields.get('location'), 'http://r/http/127.0.0.1')
    // A chain of announcements: HAProxy hears of its client by one.
    const far = await ask(port + 1, 'PROXY TCP6 2001:db8::7 2001:db8::1 5 443\r\n' + request)
    assert.match(far, /location: http:\/\/r\/http\/2001:db8::7\r\n/i)
    const line = await until('the line', () => edge.accessLines().find((text) => text.includes('/far')) ?? '')
    assert.match(line, /"relay_ip":"127\.0\.0\.1"/)
    assert.doesNotMatch(edge.errors(), /proxy_header/)
  })
}

const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so'
const lacksStream = existsSync(streamModule) ? false : 'needs the stream module of nginx: not installed'

test(
  'nginx announces its clients by proxy_protocol',
  { skip: needs('nginx', 'curl') || lacksStream },
  async (t) => {
    const edge = await announcedEdge(t)
    const port = await freePort()
    const folder = makeFolder(t)
    const path = join(folder, 'nginx.conf')
    writeFileSync(
      path,
      `load_module ${streamModule};
daemon off; pid ${folder}/pid; error_log stderr; events {}
stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${edge.port}; proxy_protocol on; } }
`,
    )
    await running(t, 'nginx', ['-p', folder, '-e', 'stderr', '-c', path], port)
    assert.equal((await curl(`http://127.0.0.1:${port}/`)).fields.get('location'), 'http://r/http/127.0.0.1')
  },
)
