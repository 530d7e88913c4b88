/**
 * SystemResolver: names as this machine knows them, looked up in the order that people expect:
 *
 * 1. `localhost` and names below it are this machine (RFC 6761 §6.3), whatever a server says.
 * 2. The hosts file, read anew each time: it is small, and a changed line takes effect within `fileTtlMs`.
 * 3. DNS, for A and AAAA records with their TTLs.
 * 4. Whatever else the system knows: search domains of resolv.conf, mDNS and other sources of nsswitch. These give no
 *    TTL.
 *
 * IPv4 addresses come first: a network without IPv6 routes is common, while one without IPv4 publishes no A record.
 */
import { readFile } from 'node:fs/promises'
import type { RecordWithTtl } from 'node:dns'
import { Resolver as DnsResolver, lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Resolved, Resolver } from './resolver.ts'

/** How long an answer holds that came without a TTL. */
const fileTtlMs = 10_000

export interface SystemResolverOptions {
  /** The hosts file; '' for none. */
  readonly hostsPath?: string
  /** DNS servers instead of the system's, 'ip' or 'ip:port'. */
  readonly dnsServers?: readonly string[]
  /** How long one question may take; each is asked twice. */
  readonly timeoutMs?: number
}

export class SystemResolver implements Resolver {
  readonly #hostsPath: string
  readonly #dnsServers: readonly string[]
  readonly #timeoutMs: number
  /** The last answer per family and name: as many as the config has names. */
  readonly #known = new Map<string, readonly RecordWithTtl[]>()

  constructor(options: SystemResolverOptions = {}) {
    const { hostsPath = '/etc/hosts', dnsServers = [], timeoutMs = 2000 } = options
    this.#hostsPath = hostsPath
    this.#dnsServers = dnsServers
    this.#timeoutMs = timeoutMs
  }

  async resolve(name: string): Promise<Resolved> {
    const bare = name.endsWith('.') ? name.slice(0, -1) : name
    if (bare === 'localhost' || bare.endsWith('.localhost'))
      return { addresses: ['127.0.0.1', '::1'], ttlMs: fileTtlMs }
    const listed = addressesInHosts(await this.#readHosts(), bare)
    if (listed.length > 0) return { addresses: listed, ttlMs: fileTtlMs }
    return (await this.#askDns(name)) ?? this.#askSystem(name)
  }

  async #readHosts(): Promise<string> {
    if (this.#hostsPath === '') return ''
    try {
      return await readFile(this.#hostsPath, 'utf8')
    } catch {
      return ''
    }
  }

  /** null: DNS does not know the name, or did not answer. */
  async #askDns(name: string): Promise<Resolved | null> {
    // Made anew each time: a resolver keeps the servers that resolv.conf named when it was made.
    const dns = new DnsResolver({ timeout: this.#timeoutMs, tries: 2 })
    if (this.#dnsServers.length > 0) dns.setServers(this.#dnsServers)
    const [four, six] = await Promise.allSettled([
      dns.resolve4(name, { ttl: true }),
      dns.resolve6(name, { ttl: true }),
    ])
    const records = [...this.#recordsOf(`4 ${name}`, four), ...this.#recordsOf(`6 ${name}`, six)]
    if (records.length === 0) return null
    const ttl = Math.min(...records.map((record) => record.ttl))
    return { addresses: records.map((record) => record.address), ttlMs: ttl * 1000 }
  }

  /**
   * The records of one family. A question that got no answer is not the answer "none": what was known stays, so that a
   * lost packet does not take half of the addresses away.
   */
  #recordsOf(key: string, result: PromiseSettledResult<RecordWithTtl[]>): readonly RecordWithTtl[] {
    if (result.status === 'fulfilled') this.#known.set(key, result.value)
    else if (isNoRecord(result.reason)) this.#known.delete(key)
    else return (this.#known.get(key) ?? []).map(({ address }) => ({ address, ttl: 1 }))
    return this.#known.get(key) ?? []
  }

  async #askSystem(name: string): Promise<Resolved> {
    const found = await lookup(name, { all: true, order: 'ipv4first' })
    return { addresses: found.map(({ address }) => address), ttlMs: fileTtlMs }
  }
}

/** DNS says that there is no such name, or no such record of it. */
function isNoRecord(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return code === 'ENOTFOUND' || code === 'ENODATA'
}

/** The addresses of a name in the text of a hosts file (hosts(5)), IPv4 first. */
export function addressesInHosts(text: string, name: string): string[] {
  const found: string[] = []
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    if (isIP(address) === 0 || !names.some((listed) => listed.toLowerCase() === name)) continue
    if (!found.includes(address)) found.push(address)
  }
  return found.sort((a, b) => isIP(a) - isIP(b))
}
