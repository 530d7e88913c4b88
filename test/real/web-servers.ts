/**
 * Real web servers of the machine as origins: nginx and Apache, each with a config and a folder of its own, on a port
 * that was free, ended when the test is over.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from '../programs.ts'
import { freePort } from './free-port.ts'

const isRoot = process.getuid?.() === 0
const startMs = 60_000

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Where a web server stands: `folder/public` is what it serves, `folder/access.log` what it says of it. */
interface Place {
  readonly folder: string
  readonly port: number
}

export class WebServer {
  readonly name: string
  readonly port: number
  /** What it serves. */
  readonly root: string
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(name: string, place: Place, child: ChildProcess) {
    this.name = name
    this.port = place.port
    this.#folder = place.folder
    this.root = join(place.folder, 'public')
    this.#child = child
  }

  /** `more` goes into the server block; '${FOLDER}' in it becomes a folder of its own. */
  static nginx(more = ''): Promise<WebServer> {
    return WebServer.#start('nginx', (place) => {
      const config = nginxConfig(place, more.replaceAll('${FOLDER}', place.folder))
      return { config, args: ['-p', place.folder, '-e', join(place.folder, 'error.log'), '-c'] }
    })
  }

  /** `more` goes to the end of the config; '${FOLDER}' in it becomes a folder of its own. */
  static apache(more = ''): Promise<WebServer> {
    return WebServer.#start('apache2', (place) => ({
      config: apacheConfig(place, more.replaceAll('${FOLDER}', place.folder)),
      args: ['-DFOREGROUND', '-f'],
    }))
  }

  static async #start(
    name: string,
    prepare: (place: Place) => { config: string; args: string[] },
  ): Promise<WebServer> {
    const folder = mkdtempSync(join(tmpdir(), `headgate-${name}-`))
    // Their workers may be another user.
    chmodSync(folder, 0o755)
    mkdirSync(join(folder, 'public'))
    const place = { folder, port: await freePort() }
    const { config, args } = prepare(place)
    const path = join(folder, 'server.conf')
    writeFileSync(path, config)
    const child = spawn(findProgram(name), [...args, path], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
    const server = new WebServer(name, place, child)
    const endMs = performance.now() + startMs
    while (!(await isListening(place.port))) {
      if (child.exitCode !== null || performance.now() > endMs) {
        const words = said + server.errors
        await server.stop()
        throw new Error(`${name} does not listen: ${words}`)
      }
      await sleep(20)
    }
    return server
  }

  /** Writes a file that it serves. */
  write(path: string, text: string | Buffer): void {
    const whole = join(this.root, path)
    mkdirSync(join(whole, '..'), { recursive: true })
    writeFileSync(whole, text)
  }

  /** Makes a folder that its workers may write into. */
  makeWritable(path: string): void {
    const whole = join(this.root, path)
    mkdirSync(whole, { recursive: true })
    chmodSync(whole, 0o777)
  }

  /** The lines of its access log so far: a request is there soon after it was answered. */
  get log(): string[] {
    return this.#read('access.log').split('\n').filter(Boolean)
  }

  get errors(): string {
    return this.#read('error.log')
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.#folder, name), 'latin1')
    } catch {
      return ''
    }
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

function nginxConfig({ folder, port }: Place, more: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
${isRoot ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  types {
    text/html html; text/css css; text/javascript js; image/svg+xml svg; text/plain txt; application/json json;
  }
  log_format plain '$status $request_completion $request_method $uri $request_length';
  access_log ${folder}/access.log plain;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  gzip on; gzip_min_length 100; gzip_types text/plain; gzip_proxied any;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/public;
    autoindex on;
    ${more}
  }
}
`
}

function apacheConfig({ folder, port }: Place, more: string): string {
  const modules = ['mpm_event', 'authz_core', 'dir', 'mime', 'autoindex', 'alias', 'deflate', 'filter', 'lua']
  return `ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/pid
Listen 127.0.0.1:${port}
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
${isRoot ? 'User www-data\nGroup www-data' : ''}
Mutex pthread
StartServers 1
TypesConfig /dev/null
AddType text/html .html
AddType text/css .css
AddType text/javascript .js
AddType image/svg+xml .svg
AddType text/plain .txt
ErrorLog ${folder}/error.log
LogFormat "%>s %X %m %U" plain
CustomLog ${folder}/access.log plain
DocumentRoot ${folder}/public
DirectoryIndex index.html
<Directory ${folder}/public>
  Require all granted
  Options +Indexes
</Directory>
AddOutputFilterByType DEFLATE text/plain
${more}
`
}
