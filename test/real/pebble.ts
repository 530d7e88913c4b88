/**
 * Pebble, the CA for tests, and its DNS server (both of Debian's package `pebble`), each a process of its own with a
 * certificate that is made here. It looks for challenges on ports that the test chooses, at 127.0.0.1 under every name.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import * as https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { makeKey, pemOfKey } from '../../src/tls/keys.ts'
import { makeCertificate, pemOfCertificate } from '../../src/tls/x509.ts'
import { freePort } from './free-port.ts'
import { until } from './supervised.ts'

export interface PebbleOptions {
  /** Where http-01 and tls-alpn-01 are looked for. */
  readonly httpPort?: number
  readonly tlsPort?: number
  /** Of each hundred good nonces so many are refused. */
  readonly noncesRefused?: number
  /** Of each hundred authorizations so many are used again. */
  readonly reuse?: number
  readonly validitySeconds?: number
  readonly alternateRoots?: number
  /** Key id → key; accounts must be bound then. */
  readonly bindingKeys?: Readonly<Record<string, string>>
  /** Validations come after a random pause of up to so many seconds; 0: at once. */
  readonly sleepSeconds?: number
  /** Whom it asks instead of its own DNS server. */
  readonly dnsServer?: string
}

export class Pebble {
  readonly folder = mkdtempSync(join(tmpdir(), 'headgate-pebble-'))
  readonly caFile = join(this.folder, 'ca.pem')
  roots = ''
  directoryUrl = ''
  #managementUrl = ''
  /** Where the DNS server is told what to answer. */
  dnsUrl = ''
  said = ''
  readonly #children: ChildProcess[] = []

  static async start(t: TestContext, options: PebbleOptions = {}): Promise<Pebble> {
    const pebble = new Pebble()
    t.after(() => pebble.#stop())
    await pebble.#start(options)
    return pebble
  }

  async #start(options: PebbleOptions): Promise<void> {
    const [port, management, dnsPort, dnsManagement] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ])
    const key = await makeKey('p256')
    const nowMs = Date.now()
    const request = { commonName: 'Pebble', names: ['localhost', '127.0.0.1'], key }
    const certificate = makeCertificate({
      ...request,
      notBeforeMs: nowMs - 60_000,
      notAfterMs: nowMs + 86_400_000,
    })
    this.roots = pemOfCertificate(certificate)
    writeFileSync(this.caFile, this.roots)
    writeFileSync(join(this.folder, 'key.pem'), pemOfKey(key))
    const bindingKeys = options.bindingKeys ?? {}
    const config = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: this.caFile,
      privateKey: join(this.folder, 'key.pem'),
      httpPort: options.httpPort ?? 1,
      tlsPort: options.tlsPort ?? 1,
      externalAccountBindingRequired: Object.keys(bindingKeys).length > 0,
      externalAccountMACKeys: bindingKeys,
      ...(options.validitySeconds === undefined
        ? {}
        : { certificateValidityPeriod: options.validitySeconds }),
    }
    writeFileSync(join(this.folder, 'config.json'), JSON.stringify({ pebble: config }))
    const dns = `127.0.0.1:${dnsPort}`
    const dnsFlags = ['-dns01', dns, '-management', `127.0.0.1:${dnsManagement}`, '-defaultIPv4', '127.0.0.1']
    const unusedFlags = ['-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', '']
    this.#spawn('pebble-challtestsrv', [...dnsFlags, ...unusedFlags])
    this.#spawn(
      'pebble',
      ['-config', join(this.folder, 'config.json'), '-dnsserver', options.dnsServer ?? dns],
      {
        PEBBLE_WFE_NONCEREJECT: String(options.noncesRefused ?? 5),
        PEBBLE_AUTHZREUSE: String(options.reuse ?? 50),
        ...(options.sleepSeconds
          ? { PEBBLE_VA_SLEEPTIME: String(options.sleepSeconds) }
          : { PEBBLE_VA_NOSLEEP: '1' }),
        PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
      },
    )
    this.directoryUrl = `https://127.0.0.1:${port}/dir`
    this.#managementUrl = `https://127.0.0.1:${management}`
    this.dnsUrl = `http://127.0.0.1:${dnsManagement}`
    await until('Pebble answers', () => this.#get(this.directoryUrl).catch(() => ''))
  }

  #spawn(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
    const child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.on('data', (bytes: Buffer) => (this.said += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (this.said += bytes.toString()))
    this.#children.push(child)
  }

  /** The root that what it issues can be verified with. */
  root(number = 0): Promise<string> {
    return this.#get(`${this.#managementUrl}/roots/${number}`)
  }

  /** How many orders were made. */
  get orderCount(): number {
    return this.said.match(/Added order/g)?.length ?? 0
  }

  /** Has the DNS server answer TXT with `value`, or with nothing. */
  async setText(host: string, value: string | null): Promise<void> {
    const path = value === null ? '/clear-txt' : '/set-txt'
    await fetch(this.dnsUrl + path, {
      method: 'POST',
      body: JSON.stringify({ host, ...(value === null ? {} : { value }) }),
    })
  }

  #get(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = https.get(url, { ca: this.roots, agent: false }, (answer) => {
        let text = ''
        answer.on('data', (bytes: Buffer) => (text += bytes.toString()))
        answer.on('end', () => resolve(text))
        answer.on('error', reject)
      })
      request.on('error', reject)
    })
  }

  #stop(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
