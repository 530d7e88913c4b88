/** Apache with mpm_event and mod_proxy_http, connections to the origin kept. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../test/programs.ts'
import type { Command } from '../processes.ts'
import { askVersion, missingProgram, type Peer, type PeerSetup } from './peer.ts'

const modulesFolder = '/usr/lib/apache2/modules'
const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'headers', 'unique_id', 'log_config']

function config(setup: PeerSetup): string {
  const loads = modules
    .filter((name) => existsSync(join(modulesFolder, `mod_${name}.so`)))
    .map((name) => `LoadModule ${name}_module ${modulesFolder}/mod_${name}.so`)
  const log = setup.accessLog
    ? `LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
BufferedLogs On
CustomLog ${setup.folder}/access.log combined`
    : ''
  return `
ServerRoot ${setup.folder}
PidFile ${setup.folder}/apache.pid
DefaultRuntimeDir ${setup.folder}
ErrorLog ${setup.folder}/error.log
LogLevel error
ServerName localhost
ServerTokens Prod
Listen 127.0.0.1:${setup.port}
ListenBacklog 4096
${loads.join('\n')}
${log}
StartServers 1
ServerLimit 1
ThreadsPerChild 128
ThreadLimit 128
MaxRequestWorkers 128
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
ProxyPreserveHost On
ProxyVia On
ProxyRequests Off
RequestHeader set X-Forwarded-Proto http
RequestHeader set X-Request-Id %{UNIQUE_ID}e
Header unset X-Powered-By
ProxyPass / http://127.0.0.1:${setup.originPort}/ keepalive=On max=128 ttl=3600
`
}

export const apache: Peer = {
  name: 'apache',
  family: 'apache',
  logs: true,
  missing: () => missingProgram('apache2'),
  version: () => askVersion('apache2', '-v', /Apache\/(\S+)/),
  command(setup): Command {
    const path = join(setup.folder, 'apache.conf')
    writeFileSync(path, config(setup))
    return { program: findProgram('apache2'), args: ['-D', 'FOREGROUND', '-f', path] }
  },
}
