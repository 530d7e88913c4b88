/**
 * Reads and checks what `tls` says, and the files that it names, together with the config, and makes of it what
 * listeners and origins need. A file that cannot be used is an error at the place that names it.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { whyUnread } from '../core/file-errors.ts'
import type { ListenerPlan, TlsPlan } from '../engine/plan.ts'
import type { OriginTls } from '../net/client-security.ts'
import type { ServerSecurity } from '../net/security.ts'
import { CertificateSources, CertificateTable, type CertificateSource } from '../tls/certificates.ts'
import { ListenerSecurity, type ClientAuth } from '../tls/listener-security.ts'
import { QuicSecurity } from '../tls/quic-security.ts'
import { ServerCertificate } from '../tls/server-certificate.ts'
import type { TicketKeys } from '../tls/ticket-keys.ts'
import { readKeyFile, tsigKeyOf } from '../tls/acme/dns/key-file.ts'
import type { TsigKey } from '../tls/acme/dns/tsig.ts'
import type { AutomaticSettings } from '../tls/acme/automatic.ts'
import { automaticSettings } from './automatic.ts'
import { automaticNames, type AutomaticNames } from './automatic-names.ts'
import type { ConfigDocument } from './document.ts'
import { hostsOf } from './host-names.ts'
import type { ConfigPath, ConfigProblem } from './problem.ts'
import type { CertificateDocument, ClientAuthDocument, OriginTlsDocument } from './tls-schema.ts'

const dayMs = 86_400_000
/** An authority renews with a third of the time left; who has not by then wants to know. */
const expiresSoonMs = 7 * dayMs

/** Sessions are not resumed beyond a day (RFC 8446 §4.6.1 allows seven). */
const sessionMsMax = dayMs

export interface TlsServices {
  /** Certificates besides those of files: managed ones. */
  readonly sources: readonly CertificateSource[]
  /** null: sessions are not resumed. */
  readonly tickets: TicketKeys | null
  /** Is told of each certificate of a file that is served. */
  readonly follow?: (certificate: ServerCertificate) => void
}

export class TlsCompiler {
  /** Files that were read, for watching. */
  readonly files: string[] = []
  readonly problems: ConfigProblem[] = []
  readonly #document: ConfigDocument
  readonly #baseDirectory: string
  readonly #clock: Clock
  readonly #contents = new Map<string, string>()
  readonly #shared: CertificateTable
  readonly #own = new Map<ListenerPlan, CertificateTable>()

  constructor(document: ConfigDocument, baseDirectory: string, clock: Clock) {
    this.#document = document
    this.#baseDirectory = baseDirectory
    this.#clock = clock
    this.#shared = this.#table(document.tls.certificates, ['tls', 'certificates'])
    for (const [i, { ca }] of document.tls.clientAuth.entries())
      this.#authority(ca, ['tls', 'clientAuth', i, 'ca'])
    for (const [i, listener] of document.listeners.entries()) this.#readListener(listener, i)
    for (const [name, { tls }] of Object.entries(document.origins))
      if (tls !== undefined) this.#checkOrigin(tls, ['origins', name, 'tls'])
  }

  /** All that the files hold, for the hash of the config. */
  contents(): Iterable<string> {
    return this.#contents.values()
  }

  #tell(path: ConfigPath, message: string, severity: 'error' | 'warning' = 'error'): void {
    this.problems.push({ path, message, severity, onKey: false })
  }

  /** PEM itself, or what the file holds; '' when it cannot be read, or holds something else. */
  #pem(text: string, path: ConfigPath): string {
    if (text.includes('-----BEGIN')) return text
    const isKnown = this.#contents.has(resolve(this.#baseDirectory, text))
    const content = this.#file(text, path)
    if (content === '' || content.includes('-----BEGIN')) return content
    const file = resolve(this.#baseDirectory, text)
    if (!isKnown) this.#tell(path, `${file} is not PEM: it has no line "-----BEGIN …-----"`)
    return ''
  }

  /** What the file holds; '' when it cannot be read. */
  #file(name: string, path: ConfigPath): string {
    const file = resolve(this.#baseDirectory, name)
    const known = this.#contents.get(file)
    if (known !== undefined) return known
    this.files.push(file)
    let content = ''
    try {
      content = readFileSync(file, 'utf8')
      // What a renewal on a full disk leaves behind.
      if (content.trim() === '') {
        this.#tell(path, `${file} is empty`)
        content = ''
      }
    } catch (error) {
      this.#tell(path, `${file} ${whyUnread(error)}`)
    }
    this.#contents.set(file, content)
    return content
  }

  #table(list: readonly CertificateDocument[], path: ConfigPath): CertificateTable {
    const made: ServerCertificate[] = []
    const places = new Map<string, number[]>()
    for (const [i, entry] of list.entries()) {
      const one = this.#certificate(entry, [...path, i])
      if (one === null) continue
      const names = [...one.names].sort().join(' ')
      const sameNames = places.get(names) ?? []
      const twin = sameNames.find((place) => isTwin(made[place] as ServerCertificate, one))
      if (twin === undefined) places.set(names, [...sameNames, made.push(one) - 1])
      else made[twin] = new ServerCertificate([...(made[twin] as ServerCertificate).pairs, ...one.pairs])
    }
    return new CertificateTable(made)
  }

  #certificate(entry: CertificateDocument, path: ConfigPath): ServerCertificate | null {
    const cert = this.#pem(entry.cert, [...path, 'cert'])
    const key = this.#pem(entry.key, [...path, 'key'])
    if (cert === '' || key === '' || !this.#isChain(cert, [...path, 'cert'])) return null
    try {
      return new ServerCertificate([{ cert, key }])
    } catch (error) {
      const why = mistakeOfKey(cert, key)
      if (why === '')
        this.#tell([...path, 'cert'], `the certificate cannot be read: ${(error as Error).message}`)
      else this.#tell([...path, 'key'], why)
      return null
    }
  }

  /** Can it be served? */
  #isChain(pem: string, path: ConfigPath): boolean {
    const chain: X509Certificate[] = []
    try {
      for (const block of blocksOf(pem)) chain.push(new X509Certificate(block))
    } catch (error) {
      this.#tell(path, `the certificate cannot be read: ${(error as Error).message}`)
      return false
    }
    const [first] = chain
    if (first === undefined) {
      this.#tell(path, 'there is no certificate in it; are "cert" and "key" swapped?')
      return false
    }
    for (let i = 0; i + 1 < chain.length; i++) {
      if (chain[i]?.checkIssued(chain[i + 1] as X509Certificate) === true) continue
      const message =
        i === 0 && chain.some((other) => first !== other && other.checkIssued(first))
          ? 'the chain begins with an authority: the certificate of the server comes first'
          : `certificate ${i + 2} of the chain did not issue certificate ${i + 1}: each is followed by its issuer`
      this.#tell(path, message)
      return false
    }
    this.#checkTime(first, path)
    return true
  }

  #checkTime(certificate: X509Certificate, path: ConfigPath): void {
    const nowMs = this.#clock.wallMs()
    const endMs = Date.parse(certificate.validTo)
    if (Date.parse(certificate.validFrom) > nowMs)
      this.#tell(path, `the certificate does not hold before ${certificate.validFrom}`, 'warning')
    else if (endMs < nowMs)
      this.#tell(path, `the certificate has expired on ${certificate.validTo}`, 'warning')
    else if (endMs - nowMs < expiresSoonMs)
      this.#tell(path, `the certificate expires on ${certificate.validTo}`, 'warning')
    if (certificate.subjectAltName === undefined)
      this.#tell(path, 'the certificate names no host (subjectAltName): clients will not take it', 'warning')
  }

  #authority(text: string, path: ConfigPath): string {
    const pem = this.#pem(text, path)
    if (pem === '') return ''
    try {
      if (blocksOf(pem).map((block) => new X509Certificate(block)).length === 0)
        this.#tell(path, 'there is no certificate in it')
    } catch (error) {
      this.#tell(path, `the certificate cannot be read: ${(error as Error).message}`)
    }
    return pem
  }

  #readListener(listener: ListenerPlan, i: number): void {
    const { tls } = listener
    if (tls == null) return
    const path: ConfigPath = ['listeners', i, 'tls']
    const { certificates, clientAuth } = tls
    if (certificates !== undefined)
      this.#own.set(listener, this.#table(certificates, [...path, 'certificates']))
    for (const [k, { ca }] of (clientAuth ?? []).entries())
      this.#authority(ca, [...path, 'clientAuth', k, 'ca'])
  }

  #tableOf(listener: ListenerPlan): CertificateTable {
    return this.#own.get(listener) ?? this.#shared
  }

  #checkHttp3(): void {
    for (const [i, listener] of this.#document.listeners.entries()) {
      if (listener.http3 !== true) continue
      const path = ['listeners', i, 'http3']
      if (listener.tls == null) this.#tell(path, 'HTTP/3 needs "tls"')
      else if (this.#clientAuthOf(listener).some(({ hosts }) => hosts.length === 0))
        this.#tell(
          path,
          'clients are not asked for certificates over HTTP/3, so it would serve no host; name in "clientAuth" the hosts that need them',
        )
    }
  }

  #clientAuthOf(listener: ListenerPlan): readonly ClientAuthDocument[] {
    return listener.tls?.clientAuth ?? this.#document.tls.clientAuth
  }

  /** Tells of hosts that no certificate will be for. */
  checkSources(): void {
    this.#checkHttp3()
    if (!this.#isAutomatic || this.problems.length > 0) return
    const { acme } = this.#document.tls
    if (acme?.caFile !== undefined) this.#pem(acme.caFile, ['tls', 'acme', 'caFile'])
    this.#tsigKey()
    for (const { host, message } of this.#automaticNames().problems) {
      const site = Object.keys(this.#document.sites).find((key) => hostsOf(key).includes(host)) ?? host
      // Names on demand may well be those below a wildcard.
      if (acme?.onDemand === undefined)
        this.#tell(['sites', site], message, acme === undefined ? 'error' : 'warning')
    }
  }

  /** Does every listener have a certificate of a file for it? */
  #hasCertificate(host: string): boolean {
    const speaking = this.#document.listeners.filter((listener) => listener.tls != null)
    return speaking.every((listener) => this.#tableOf(listener).find(host) !== null)
  }

  /** Are there certificates that come by themselves: where a CA is named, or a listener has none of its own? */
  get #isAutomatic(): boolean {
    const speaking = this.#document.listeners.filter((listener) => listener.tls != null)
    if (speaking.length === 0) return false
    const { acme } = this.#document.tls
    return acme !== undefined || speaking.some((listener) => this.#tableOf(listener).default === null)
  }

  #automaticNames(): AutomaticNames {
    const { acme } = this.#document.tls
    return automaticNames({
      hosts: Object.keys(this.#document.sites).flatMap((key) => hostsOf(key)),
      hasCertificate: (host) => this.#hasCertificate(host),
      hasAcme: acme !== undefined,
      hasDns: acme?.dns !== undefined,
    })
  }

  /** null: DNS servers are not updated, or the key cannot be used. */
  #tsigKey(): TsigKey | null {
    const key = this.#document.tls.acme?.dns?.update?.key
    if (key === undefined) return null
    const path = ['tls', 'acme', 'dns', 'update', 'key']
    if (typeof key === 'object') return tsigKeyOf(key)
    const content = this.#file(key, path)
    if (content === '') return null
    const read = readKeyFile(content)
    if (typeof read !== 'string') return read
    this.#tell(path, `${resolve(this.#baseDirectory, key)} ${read}`)
    return null
  }

  /** null: every certificate is of a file. */
  automatic(): AutomaticSettings | null {
    if (!this.#isAutomatic) return null
    const { acme, storage = '' } = this.#document.tls
    return automaticSettings({
      acme: acme ?? null,
      storage,
      names: this.#automaticNames(),
      hasPlainListener: this.#document.listeners.some((listener) => listener.tls == null),
      tsigKey: this.#tsigKey(),
      clock: this.#clock,
      roots: acme?.caFile === undefined ? '' : this.#pem(acme.caFile, ['tls', 'acme', 'caFile']),
      baseDirectory: this.#baseDirectory,
    })
  }

  #checkOrigin(tls: OriginTlsDocument, path: ConfigPath): void {
    if (tls.ca !== undefined) this.#authority(tls.ca, [...path, 'ca'])
    if (tls.certificate !== undefined) this.#certificate(tls.certificate, [...path, 'certificate'])
    if (tls.verify) return
    this.#tell([...path, 'verify'], 'whoever is on the way to the origin can be taken for it', 'warning')
  }

  // What was checked, as it is used

  originTls(tls: OriginTlsDocument | undefined): OriginTls {
    const pair = tls?.certificate
    return {
      ca: tls?.ca === undefined ? '' : this.#pem(tls.ca, []),
      serverName: tls?.serverName?.toLowerCase() ?? '',
      cert: pair === undefined ? '' : this.#pem(pair.cert, []),
      key: pair === undefined ? '' : this.#pem(pair.key, []),
      verifies: tls?.verify ?? true,
      minVersion: tls?.minVersion ?? 'TLSv1.2',
    }
  }

  plan(services: TlsServices): TlsPlan {
    const { tls, listeners } = this.#document
    const securities = new Map<string, ServerSecurity>()
    const quic = new Map<string, QuicSecurity>()
    for (const listener of listeners) {
      if (listener.tls == null) continue
      const security = this.#securityOf(listener, services)
      securities.set(listener.name, security)
      if (listener.http3 === true) quic.set(listener.name, this.#quicOf(listener, security, services))
    }
    const { handshakeTimeout: handshakeMs, handshakesMax, ocsp: staples } = tls
    return { handshakeMs, handshakesMax, staples, securities, quic }
  }

  #quicOf(listener: ListenerPlan, security: ListenerSecurity, { sources }: TlsServices): QuicSecurity {
    const { publicNames, localNames } = this.#automaticNames()
    return new QuicSecurity({
      clock: this.#clock,
      certificate: this.#tableOf(listener).default,
      source: new CertificateSources(sources),
      hosts: [...publicNames, ...localNames],
      asksFor: (host) => security.askedFor(host) !== '',
    })
  }

  #securityOf(listener: ListenerPlan, { sources, tickets, follow }: TlsServices): ListenerSecurity {
    const { tls } = this.#document
    const table = this.#tableOf(listener)
    if (follow !== undefined) for (const certificate of table.all) follow(certificate)
    // A single certificate of a file is known before a handshake begins, which then need not wait for us to choose.
    const others = this.#isAutomatic ? sources : []
    return new ListenerSecurity({
      certificates: new CertificateSources([table, ...others]),
      default: () => table.default,
      minVersion: listener.tls?.minVersion ?? tls.minVersion,
      protocols: protocolsOf(listener),
      clientAuth: this.#clientAuthOf(listener).map((auth) => this.#clientAuth(auth)),
      tickets: tls.ticketRotation === 0 ? null : tickets,
      sessionSeconds: Math.floor(Math.min(tls.ticketRotation, sessionMsMax) / 1000),
    })
  }

  #clientAuth({ ca, mode, hosts }: ClientAuthDocument): ClientAuth {
    return { ca: this.#pem(ca, []), mode, hosts }
  }
}

/** HTTP/2 first where it is served. */
function protocolsOf(listener: ListenerPlan): string[] {
  if (listener.http2 === 'only') return ['h2']
  return listener.http2 === false ? ['http/1.1'] : ['h2', 'http/1.1']
}

function blocksOf(pem: string): string[] {
  return pem.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^]+?-----END [^\n]*-----/g) ?? []
}

/** Why a key is not that of a certificate; '' where it is. */
function mistakeOfKey(cert: string, key: string): string {
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return ''
  } catch {
    const isLocked = key.includes('ENCRYPTED')
    const remedy = isLocked
      ? 'it is encrypted; decrypt it with `openssl pkey`'
      : 'there is no private key in it'
    return `the key cannot be used: ${remedy}`
  }
  return 'the key does not belong to the certificate: they were made for different pairs'
}

/** Of one with the same names: are its keys of other kinds? */
function isTwin(other: ServerCertificate, { kinds }: ServerCertificate): boolean {
  return !other.kinds.some((kind) => kinds.includes(kind))
}
