/** nginx as a proxy: as set up by default, without buffering of answers, and with buffers as large as a read. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../test/programs.ts'
import { nginxUserLine, type Command } from '../processes.ts'
import { askVersion, missingProgram, nginxListen, type Peer, type PeerSetup } from './peer.ts'

function config(setup: PeerSetup, buffering: string): string {
  const { folder, originPort } = setup
  const log = setup.accessLog ? `${folder}/access.log combined buffer=64k flush=1s` : 'off'
  return `
daemon off;
${nginxUserLine}
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events { worker_connections 32768; }
http {
  access_log ${log};
  tcp_nodelay on;
  server_tokens off;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  proxy_max_temp_file_size 0;
  upstream origin {
    server 127.0.0.1:${originPort};
    keepalive 64;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
  server {
    ${nginxListen(setup)}
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Via "1.1 nginx";
      proxy_set_header X-Request-Id $request_id;
      proxy_hide_header X-Powered-By;
      add_header Via "1.1 nginx";
      ${buffering}
    }
  }
}
`
}

function nginx(name: string, family: string, buffering: string): Peer {
  return {
    name,
    family,
    logs: true,
    speaksTls: true,
    missing: () => missingProgram('nginx'),
    version: () => askVersion('nginx', '-v', /nginx\/(\S+)/),
    command(setup): Command {
      const path = join(setup.folder, 'nginx.conf')
      writeFileSync(path, config(setup, buffering))
      const args = ['-p', setup.folder, '-e', join(setup.folder, 'error.log'), '-c', path]
      return { program: findProgram('nginx'), args }
    },
  }
}

/**
 * The ratios are against the better of the first two, nginx as people run it. The third shows what larger buffers than
 * anybody sets by default do for large bodies.
 */
export const nginxPeers: readonly Peer[] = [
  nginx('nginx', 'nginx', ''),
  nginx('nginx-unbuffered', 'nginx', 'proxy_buffering off;'),
  nginx(
    'nginx-64k-buffers',
    'nginx-64k-buffers',
    'proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;',
  ),
]
