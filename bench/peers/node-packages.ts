/**
 * The Node proxies that people use: http-proxy-3, httpxy, fast-proxy (on node:http and on undici). They are installed
 * by npm into a temporary folder when the bench asks for them, never into this project.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../processes.ts'
import type { Peer, PeerSetup } from './peer.ts'

const packages: Readonly<Record<string, string>> = {
  'http-proxy-3': '2.0.1',
  httpxy: '0.5.6',
  'fast-proxy': '2.2.0',
}
const folder = join(tmpdir(), 'headgate-bench-packages')

/** The fields that all of them set by themselves or not: set by hand, so that each sends the same. */
const prelude = (setup: PeerSetup): string => `
import http from 'node:http'
import { randomUUID } from 'node:crypto'
const target = 'http://127.0.0.1:${setup.originPort}'
const agent = new http.Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 64 })
function prepare(request, response) {
  const fields = request.headers
  fields['x-forwarded-for'] = request.socket.remoteAddress
  fields['x-forwarded-host'] = fields.host
  fields['x-forwarded-proto'] = 'http'
  fields['via'] = '1.1 node'
  fields['x-request-id'] = randomUUID()
  response.setHeader('via', '1.1 node')
}
function fail(response) {
  if (!response.headersSent) response.writeHead(502)
  response.end()
}
function serve(handle) {
  const server = http.createServer({ keepAliveTimeout: 3_600_000 }, (request, response) => {
    prepare(request, response)
    handle(request, response)
  })
  server.listen(${setup.port}, '127.0.0.1', 4096)
}
`

function install(): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'package.json')
  const wanted = JSON.stringify({ private: true, type: 'module', dependencies: packages })
  const isThere = existsSync(file) && readFileSync(file, 'utf8') === wanted
  if (isThere && existsSync(join(folder, 'node_modules'))) return ''
  writeFileSync(file, wanted)
  const done = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return done.status === 0 ? '' : 'npm could not install it'
}

function nodePackage(name: string, packageName: string, handle: string): Peer {
  return {
    name,
    family: 'node',
    logs: false,
    missing: () => {
      const why = install()
      if (why !== '') return why
      return existsSync(join(folder, 'node_modules', packageName)) ? '' : `${packageName} is not installed`
    },
    version: () => packages[packageName] ?? 'unknown',
    command(setup): Command {
      const path = join(folder, `${name.replaceAll(/[^a-z0-9-]/g, '')}-${setup.port}.mjs`)
      writeFileSync(path, prelude(setup) + handle)
      return { program: process.execPath, args: [path], env: { NODE_ENV: 'production' } }
    },
  }
}

export const nodePeers: readonly Peer[] = [
  nodePackage(
    'http-proxy-3',
    'http-proxy-3',
    `import proxies from 'http-proxy-3'
const proxy = proxies.createProxyServer({ target, agent })
proxy.on('error', (error, request, response) => fail(response))
serve((request, response) => proxy.web(request, response))
`,
  ),
  nodePackage(
    'httpxy',
    'httpxy',
    `import { createProxyServer } from 'httpxy'
const proxy = createProxyServer({ target, agent })
serve((request, response) => { proxy.web(request, response).catch(() => fail(response)) })
`,
  ),
  nodePackage(
    'fast-proxy',
    'fast-proxy',
    `import fastProxy from 'fast-proxy'
const { proxy } = fastProxy({ base: target, maxSockets: 64 })
serve((request, response) => proxy(request, response, request.url, {}))
`,
  ),
  nodePackage(
    'fast-proxy (undici)',
    'fast-proxy',
    `import fastProxy from 'fast-proxy'
const { proxy } = fastProxy({ base: target, undici: { connections: 64, pipelining: 1 } })
serve((request, response) => proxy(request, response, request.url, {}))
`,
  ),
]
