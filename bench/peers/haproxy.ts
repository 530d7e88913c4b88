/** HAProxy, one thread, connections to the origin kept and shared. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../test/programs.ts'
import type { Command } from '../processes.ts'
import { askVersion, missingProgram, type Peer, type PeerSetup } from './peer.ts'

function config(setup: PeerSetup): string {
  return `
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  option http-keep-alive
  http-reuse always
  unique-id-format %[uuid()]
frontend front
  bind 127.0.0.1:${setup.port} backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto http
  http-request set-header Via "1.1 haproxy"
  http-request set-header X-Request-Id %[unique-id]
  http-response del-header Server
  http-response del-header X-Powered-By
  http-response add-header Via "1.1 haproxy"
  default_backend back
backend back
  server origin 127.0.0.1:${setup.originPort} pool-max-conn 64
`
}

export const haproxy: Peer = {
  name: 'haproxy',
  family: 'haproxy',
  // It logs to syslog only: no comparison with a log file.
  logs: false,
  missing: () => missingProgram('haproxy'),
  version: () => askVersion('haproxy', '-v', /version (\d[\d.]*)/),
  command(setup): Command {
    const path = join(setup.folder, 'haproxy.cfg')
    writeFileSync(path, config(setup))
    return { program: findProgram('haproxy'), args: ['-db', '-f', path] }
  },
}
