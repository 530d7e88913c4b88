/** Caddy's reverse_proxy, without its admin endpoint; one core by GOMAXPROCS. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../test/programs.ts'
import type { Command } from '../processes.ts'
import { askVersion, missingProgram, type Peer, type PeerSetup } from './peer.ts'

function config(setup: PeerSetup): string {
  const log = setup.accessLog ? `log {\n    output file ${setup.folder}/access.log\n  }` : ''
  return `
{
  admin off
  auto_https off
}
http://:${setup.port} {
  bind 127.0.0.1
  ${log}
  header Via "1.1 caddy"
  header -X-Powered-By
  reverse_proxy 127.0.0.1:${setup.originPort} {
    header_up Via "1.1 caddy"
    header_up X-Request-Id {http.request.uuid}
    transport http {
      keepalive_idle_conns_per_host 64
      compression off
    }
  }
}
`
}

export const caddy: Peer = {
  name: 'caddy',
  family: 'caddy',
  logs: true,
  missing: () => missingProgram('caddy'),
  version: () => askVersion('caddy', 'version', /v?(\d\S*)/),
  command(setup): Command {
    const path = join(setup.folder, 'Caddyfile')
    const home = join(setup.folder, 'home')
    mkdirSync(home)
    writeFileSync(path, config(setup))
    const env = { GOMAXPROCS: '1', HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home }
    return { program: findProgram('caddy'), args: ['run', '--config', path, '--adapter', 'caddyfile'], env }
  },
}
