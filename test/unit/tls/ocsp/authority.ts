/**
 * An authority made of openssl, for tests: it signs a certificate that names its responder, and answers about it as it is
 * told to.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export type Signer = 'authority' | 'delegate' | 'stranger' | 'unasked'

export interface Answering {
  readonly signer?: Signer
  readonly status?: 'V' | 'R'
  /** How long an answer holds; 0: it names no end. */
  readonly days?: number
}

const serial = '0A1B2C3D4E5F60718293A4B5C6D7E8F9'
const farDate = '491231235959Z'

export class OpensslAuthority {
  readonly #folder: string
  /** PEM: the certificate and its authority's. */
  readonly chain: string
  readonly key: string

  /** The certificate is for `localhost`, its key of this kind, and its responder at `url`; '' for none. */
  constructor(url: string, kind: 'ec' | 'rsa' = 'ec') {
    this.#folder = mkdtempSync(join(tmpdir(), 'headgate-ocsp-'))
    this.#authority('authority')
    this.#authority('stranger-authority')
    const aia = url === '' ? '' : `authorityInfoAccess=OCSP;URI:${url}\n`
    this.#signed('leaf', 'authority', `subjectAltName=DNS:localhost\n${aia}`, kind)
    this.#signed('delegate', 'authority', 'extendedKeyUsage=OCSPSigning\n')
    this.#signed('unasked', 'authority', 'extendedKeyUsage=serverAuth\n')
    this.#signed('stranger', 'stranger-authority', 'extendedKeyUsage=OCSPSigning\n')
    this.chain = this.#read('leaf.crt') + this.#read('authority.crt')
    this.key = this.#read('leaf.key')
  }

  static for(t: TestContext, url: string, kind: 'ec' | 'rsa' = 'ec'): OpensslAuthority {
    const made = new OpensslAuthority(url, kind)
    t.after(() => made.remove())
    return made
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get authorityPem(): string {
    return this.#read('authority.crt')
  }

  /** The answer to a request, DER. */
  answer(request: Buffer, { signer = 'authority', status = 'V', days = 7 }: Answering = {}): Buffer {
    writeFileSync(this.#at('request'), request)
    const revokedAt = status === 'R' ? '250101000000Z' : ''
    writeFileSync(this.#at('index'), `${status}\t${farDate}\t${revokedAt}\t${serial}\tunknown\t/CN=leaf\n`)
    const files = [
      '-index',
      'index',
      '-CA',
      'authority.crt',
      '-rsigner',
      `${signer}.crt`,
      '-rkey',
      `${signer}.key`,
    ]
    const life = days === 0 ? [] : ['-ndays', String(days)]
    this.#openssl('ocsp', ...files, '-reqin', 'request', '-respout', 'answer', ...life)
    return readFileSync(this.#at('answer'))
  }

  #authority(name: string): void {
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
    this.#openssl(
      'req',
      '-x509',
      ...made,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    )
  }

  #signed(name: string, by: string, extensions: string, kind: 'ec' | 'rsa' = 'ec'): void {
    writeFileSync(this.#at('extensions'), extensions)
    const option = kind === 'ec' ? 'ec_paramgen_curve:prime256v1' : 'rsa_keygen_bits:2048'
    const made = ['-newkey', kind, '-pkeyopt', option, '-nodes']
    this.#openssl('req', ...made, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const number = name === 'leaf' ? `0x${serial}` : String(name.length)
    const signers = ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-set_serial', number]
    const what = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', 'extensions', '-days', '20']
    this.#openssl('x509', '-req', ...signers, ...what)
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' })
  }

  #at(name: string): string {
    return join(this.#folder, name)
  }

  #read(name: string): string {
    return readFileSync(this.#at(name), 'utf8')
  }
}
