/**
 * nginx as a cache at its best: everything in memory (the files on a tmpfs), descriptors kept open, no logs, no look at
 * the origin; with `sendfile` and without, as the one is better for large bodies and the other for small ones.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../test/programs.ts'
import { nginxUserLine, type Command } from '../processes.ts'
import { askVersion, missingProgram, nginxListen, type Peer, type PeerSetup } from './peer.ts'

const memoryFolder = '/dev/shm'
const folders: string[] = []
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder whose files are in memory, where there is one. */
function keptFolder(folder: string): string {
  if (!existsSync(memoryFolder)) return join(folder, 'kept')
  const made = mkdtempSync(join(memoryFolder, 'headgate-bench-'))
  folders.push(made)
  return made
}

/** What is asked for once gains nothing from a table of open files, and pays for the turn-over in it. */
const openFiles = 'open_file_cache max=1000 inactive=1h;\n  open_file_cache_valid 1h;'

function config(setup: PeerSetup, sendfile: string): string {
  const { folder, originPort, diskFolder } = setup
  return `
daemon off;
${nginxUserLine}
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 32768; }
http {
  access_log off;
  log_not_found off;
  ${sendfile}
  tcp_nodelay on;
  server_tokens off;
  output_buffers 2 128k;
  ${diskFolder === undefined ? openFiles : ''}
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${diskFolder ?? keptFolder(folder)} keys_zone=kept:10m inactive=1h max_size=1g use_temp_path=off;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; }
  server {
    ${nginxListen(setup)}
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache kept;
      proxy_cache_valid 200 1h;
      proxy_cache_lock on;
    }
  }
}
`
}

function nginx(name: string, sendfile: string): Peer {
  return {
    name,
    family: 'nginx',
    logs: false,
    speaksTls: true,
    missing: () => missingProgram('nginx'),
    version: () => askVersion('nginx', '-v', /nginx\/(\S+)/),
    command(setup): Command {
      const path = join(setup.folder, 'nginx.conf')
      writeFileSync(path, config(setup, sendfile))
      const args = ['-p', setup.folder, '-e', join(setup.folder, 'error.log'), '-c', path]
      return { program: findProgram('nginx'), args }
    },
  }
}

export const nginxCachePeers: readonly Peer[] = [
  nginx('nginx (cache, sendfile)', 'sendfile on; tcp_nopush on;'),
  nginx('nginx (cache, no sendfile)', 'sendfile off;'),
]
