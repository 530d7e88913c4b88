/**
 * The origin behind every proxy under measurement: nginx with keep-alive, serving small files from its page cache.
 * `/1k`, `/64k`, `/1m`, `/8m` are bodies of fixed random bytes; `/rich` is 1 KiB under twelve answer fields; `/seen`
 * tells which fields arrived. What is under `/kept/` may be kept for an hour: `/kept/tags` has sixteen tags, `/kept/now`
 * is another text each time, and `/kept/n/` has any number of paths with the body of `/kept/1k`.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from '../test/programs.ts'
import { nginxUserLine, type Command } from './processes.ts'

export const bodySizes: Readonly<Record<string, number>> = {
  '/1k': 1024,
  '/rich': 1024,
  '/64k': 64 * 1024,
  '/1m': 1024 * 1024,
  '/8m': 8 * 1024 * 1024,
  '/kept/1k': 1024,
  '/kept/tags': 1024,
  '/kept/64k': 64 * 1024,
}

/** The body of a path: the same bytes in every run, and not compressible. */
export function bodyOf(path: string): Buffer {
  const size = bodySizes[path] ?? 0
  const parts: Buffer[] = []
  for (let made = 0, i = 0; made < size; made += 64, i++)
    parts.push(createHash('sha512').update(`${path} ${i}`).digest())
  return Buffer.concat(parts).subarray(0, size)
}

/** nginx's own fields are Server, Date, Content-Type, Content-Length, Last-Modified, Connection, ETag, Accept-Ranges. */
const richFields = [
  "add_header Cache-Control 'public, max-age=3600, stale-while-revalidate=60'",
  "add_header Vary 'Accept-Encoding'",
  "add_header X-Content-Type-Options 'nosniff'",
  "add_header Set-Cookie 'session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; Secure; SameSite=Lax'",
]

const keptField = "add_header Cache-Control 'public, max-age=3600'"
const tags = Array.from({ length: 16 }, (_, i) => `product-${1000 + i}`).join(' ')

const seenFields = ['host', 'x_forwarded_for', 'x_forwarded_host', 'x_forwarded_proto', 'via', 'x_request_id']

/** Writes bodies and config into `folder`, and gives the command that serves them on `port`. */
export function originCommand(folder: string, port: number): Command {
  const files = join(folder, 'files')
  mkdirSync(files, { recursive: true })
  for (const path of Object.keys(bodySizes)) {
    mkdirSync(dirname(join(files, path)), { recursive: true })
    writeFileSync(join(files, path), bodyOf(path))
  }
  const seen = seenFields.map((name) => `${name}=$http_${name}`).join('\\n')
  const config = `
daemon off;
${nginxUserLine}
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${folder}/origin.pid;
error_log ${folder}/origin.log crit;
events { worker_connections 16384; }
http {
  access_log off;
  sendfile off;
  tcp_nodelay on;
  output_buffers 2 128k;
  open_file_cache max=100 inactive=1h;
  open_file_cache_valid 1h;
  default_type application/octet-stream;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/origin-body;
  proxy_temp_path ${folder}/origin-proxy;
  fastcgi_temp_path ${folder}/origin-fastcgi;
  uwsgi_temp_path ${folder}/origin-uwsgi;
  scgi_temp_path ${folder}/origin-scgi;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${files};
    location = /seen { return 200 "${seen}\\n"; }
    location = /rich { ${richFields.map((field) => `${field};`).join(' ')} }
    location /kept/ { ${keptField}; }
    location = /kept/tags { ${keptField}; add_header Surrogate-Key '${tags}'; }
    location /kept/n/ { ${keptField}; rewrite ^ /kept/1k break; }
    location = /kept/now { ${keptField}; return 200 "$request_id"; }
  }
}
`
  const path = join(folder, 'origin.conf')
  writeFileSync(path, config)
  return { program: findProgram('nginx'), args: ['-p', folder, '-e', `${folder}/origin.log`, '-c', path] }
}
