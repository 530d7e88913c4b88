/** BIND's `named` as the primary server of example.com, with a key of `tsig-keygen` that may change one TXT record. */
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Resolver } from 'node:dns/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { findProgram } from '../programs.ts'
import { freePort } from './free-port.ts'
import { until } from './supervised.ts'

export interface BindOptions {
  readonly algorithm?: string
  /** More of the zone's lines. */
  readonly records?: readonly string[]
}

export class Bind {
  readonly folder = mkdtempSync(join(tmpdir(), 'headgate-bind-'))
  readonly keyFile = join(this.folder, 'update.key')
  port = 0
  said = ''

  static async start(t: TestContext, options: BindOptions = {}): Promise<Bind> {
    const bind = new Bind()
    await bind.#start(t, options)
    return bind
  }

  async #start(t: TestContext, { algorithm = 'hmac-sha256', records = [] }: BindOptions): Promise<void> {
    t.after(() => rmSync(this.folder, { recursive: true, force: true }))
    this.port = await freePort()
    const key = execFileSync(findProgram('tsig-keygen'), ['-a', algorithm, 'headgate-key'])
    writeFileSync(this.keyFile, key)
    writeFileSync(
      join(this.folder, 'zone.db'),
      `$TTL 60
@ IN SOA ns.example.com. admin.example.com. 1 3600 600 86400 60
@ IN NS ns.example.com.
ns IN A 127.0.0.1
${records.map((line) => `${line}\n`).join('')}`,
    )
    writeFileSync(
      join(this.folder, 'named.conf'),
      `options {
  directory "${this.folder}";
  listen-on port ${this.port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  notify no;
  dnssec-validation no;
};
controls { };
include "${this.keyFile}";
zone "example.com" {
  type primary;
  file "zone.db";
  update-policy { grant headgate-key name _acme-challenge.example.com. TXT; };
};
`,
    )
    // Debian's AppArmor profile binds the program at its path to folders of the system.
    const program = join(this.folder, 'named')
    copyFileSync(findProgram('named'), program)
    const child = spawn(program, ['-g', '-4', '-n', '1', '-c', join(this.folder, 'named.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    t.after(() => child.kill('SIGKILL'))
    child.stderr.on('data', (bytes: Buffer) => (this.said += bytes.toString()))
    child.on('error', (error) => (this.said += String(error)))
    await until('named to run', () => {
      if (child.exitCode !== null) throw new Error(this.said)
      return / running$/m.test(this.said)
    })
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get secret(): string {
    return /secret "([^"]+)"/.exec(readFileSync(this.keyFile, 'utf8'))?.[1] ?? ''
  }

  /** The TXT records there are, as another client sees them. */
  async texts(name: string): Promise<string[]> {
    const resolver = new Resolver({ timeout: 10_000 })
    resolver.setServers([this.address])
    try {
      return (await resolver.resolveTxt(name)).map((parts) => parts.join('')).sort()
    } catch (error) {
      if (['ENODATA', 'ENOTFOUND'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
      throw error
    }
  }
}
