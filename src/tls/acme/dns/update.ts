/**
 * dns-01 by dynamic updates (RFC 2136), signed with TSIG (RFC 8945): the TXT record is added to the zone on its
 * primary server and removed again, and no other record with it.
 *
 * Promises: nothing that the server says counts as a success before its signature is verified; a refusal is reported
 * with what to do about it. The zone is found by asking the server for its SOA, also behind a CNAME of
 * `_acme-challenge` that leads to another zone of the same server (RFC 8555 §8.4 has CAs follow it).
 */
import { randomInt } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { keyAuthorizationHash, type Answerer } from '../challenge.ts'
import { AcmeError, plain } from '../problem.ts'
import { askDnsServer, type DnsServerAddress, type DnsTimes, type Judgement } from './exchange.ts'
import {
  Opcode,
  readMessage,
  readName,
  RecordType,
  Section,
  txtToAdd,
  txtToDelete,
  writeMessage,
  type DnsMessage,
} from './message.ts'
import { refusalOf } from './refusal.ts'
import { signRequest, verifyResponse, type TsigKey } from './tsig.ts'

/** The record's TTL in seconds: it exists for a minute, and may be another one in the next. */
const ttlSeconds = 60
/** How many CNAMEs in a row are followed: as many as Unbound does. */
const aliasesMax = 8
/** How long the removal of the record may take; after that it stays. */
const withdrawMs = 30_000
/** NOERROR, and NXDOMAIN, which has the SOA of the zone too (RFC 2308 §3). */
const namedCodes: ReadonlySet<number> = new Set([0, 3])

export interface DnsUpdateOptions {
  readonly server: DnsServerAddress
  readonly key: TsigKey
  /** The zone; '' to look for it. */
  readonly zone: string
  /** The time from the update until the CA is told: other servers of the zone take time to follow. */
  readonly waitMs: number
  /** The wall time, which the signature contains. */
  readonly nowMs: () => number
  readonly times?: DnsTimes
  /** The name to which a CNAME leads, as the system's resolvers know it; '' for none. */
  readonly aliasOf?: (name: string) => Promise<string>
}

export function dnsByUpdate(options: DnsUpdateOptions): Answerer {
  const updates = new DnsUpdates(options)
  return {
    type: 'dns-01',
    async present({ name, keyAuthorization }, signal) {
      const place = await updates.placeOf(`_acme-challenge.${name}`, signal)
      const value = keyAuthorizationHash(keyAuthorization).toString('base64url')
      await updates.send(place, txtToAdd(place.name, value, ttlSeconds), signal)
      const withdraw = (): Promise<void> =>
        // Not with the order's signal: the record is removed even when the order was given up.
        updates.send(place, txtToDelete(place.name, value), AbortSignal.timeout(withdrawMs))
      try {
        if (options.waitMs > 0) await sleep(options.waitMs, undefined, { signal })
      } catch (error) {
        await withdraw()
        throw error
      }
      return withdraw
    },
  }
}

interface Place {
  readonly name: string
  readonly zone: string
}

class DnsUpdates {
  readonly #options: DnsUpdateOptions
  readonly #where: string

  constructor(options: DnsUpdateOptions) {
    this.#options = options
    const { host, port } = options.server
    this.#where = `the DNS server ${host.includes(':') ? `[${host}]` : host}${port === 53 ? '' : `:${port}`}`
  }

  async placeOf(wanted: string, signal: AbortSignal): Promise<Place> {
    let name = wanted
    for (let aliases = 0; aliases <= aliasesMax; aliases++) {
      const { zone, alias } = await this.#look(name, signal)
      if (zone !== '') return { name, zone }
      const next = alias !== '' ? alias : await (this.#options.aliasOf ?? systemAlias)(name)
      if (next === '') throw this.#noZone(name)
      name = next
    }
    throw new AcmeError('refused', `${wanted} leads to one CNAME after the other, more than ${aliasesMax}`)
  }

  #noZone(name: string): AcmeError {
    const { zone } = this.#options
    const why =
      zone === ''
        ? `has no zone for ${name}, or does not tell: tls.acme.dns.update.zone names it`
        : `is to update the zone ${zone} (tls.acme.dns.update.zone), and ${name} is not in it`
    return new AcmeError('refused', `${this.#where} ${why}`)
  }

  /** The zone of this server that the name is in, or the CNAME that it has there; both '' when there is none. */
  async #look(name: string, signal: AbortSignal): Promise<{ readonly zone: string; readonly alias: string }> {
    const { zone } = this.#options
    if (zone !== '' && !isWithin(name, zone)) return { zone: '', alias: '' }
    for (let at = name; at !== ''; at = parentOf(at)) {
      const answer = await this.#ask(Opcode.QUERY, at, RecordType.SOA, [], signal)
      if (!namedCodes.has(answer.code)) continue
      // It belongs to another server: a record above a delegation would be seen by nobody.
      if (isReferral(answer)) break
      const alias = at === name ? aliasIn(answer, name) : ''
      if (alias !== '') return { zone: '', alias }
      const found = zoneIn(answer, name)
      if (found !== '') return { zone: zone === '' ? found : zone, alias: '' }
    }
    return { zone, alias: '' }
  }

  /** Rejects with an AcmeError unless the server says that it is done. */
  async send({ name, zone }: Place, record: Buffer, signal: AbortSignal): Promise<void> {
    const { code } = await this.#ask(Opcode.UPDATE, zone, RecordType.SOA, [record], signal)
    if (code !== 0) throw this.#refused(refusalOf(code, { name, zone, keyName: this.#options.key.name }))
  }

  #refused(why: string): AcmeError {
    return new AcmeError('refused', `${this.#where} ${why}`)
  }

  /** The answer, verified. */
  async #ask(
    opcode: number,
    name: string,
    type: number,
    updates: readonly Buffer[],
    signal: AbortSignal,
  ): Promise<DnsMessage> {
    const { key, server, nowMs, times } = this.#options
    const id = randomInt(65_536)
    const { bytes, mac } = signRequest(writeMessage({ id, opcode, name, type, updates }), key, seconds(nowMs))
    /** Why the response was not accepted. */
    let doubt = ''
    const judge = (message: Buffer): Judgement<DnsMessage> => {
      const response = readMessage(message)
      if (response === null || !response.isResponse || response.id !== id || response.opcode !== opcode)
        return 'ignored'
      if (response.isTruncated) return 'truncated'
      const verdict = verifyResponse(response, key, mac, seconds(nowMs))
      const said = refusalOf(response.code, { name, zone: name, keyName: key.name }, verdict)
      // An error that it cannot sign is believed as far as to give up (RFC 8945 §5.2): nothing has been done then.
      if (verdict.error !== 0 || (verdict.state === 'unsigned' && response.code !== 0))
        throw this.#refused(said)
      if (verdict.state === 'verified') return { answer: response }
      doubt = verdict.reason
      return 'ignored'
    }
    try {
      return await askDnsServer(server, bytes, judge, signal, times)
    } catch (error) {
      if (error instanceof AcmeError || signal.aborted) throw error
      const why = doubt === '' ? plain((error as Error).message) : doubt
      throw new AcmeError('unreachable', `${this.#where} could not be asked: ${why}`)
    }
  }
}

function seconds(nowMs: () => number): number {
  return Math.floor(nowMs() / 1000)
}

function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`)
}

function parentOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1)
}

/** RFC 2308 §2.1: NS records and no SOA in the authority section, and no answer. */
function isReferral({ records }: DnsMessage): boolean {
  const has = (type: number): boolean =>
    records.some((record) => record.type === type && record.section === Section.AUTHORITY)
  return (
    has(RecordType.NS) && !has(RecordType.SOA) && !records.some(({ section }) => section === Section.ANSWER)
  )
}

/** In the answer or, where there is nothing under the name, in the authority section (RFC 2308 §2). */
function zoneIn({ records }: DnsMessage, name: string): string {
  const soa = records.find(
    (record) => record.type === RecordType.SOA && record.section !== Section.ADDITIONAL,
  )
  return soa !== undefined && isWithin(name, soa.name) ? soa.name : ''
}

function aliasIn({ bytes, records }: DnsMessage, name: string): string {
  const alias = records.find(
    (record) => record.type === RecordType.CNAME && record.section === Section.ANSWER && record.name === name,
  )
  return alias === undefined ? '' : (readName(bytes, alias.dataStart)?.name ?? '')
}

/** Not at all where there is no resolver: then the name stands for itself. */
async function systemAlias(name: string): Promise<string> {
  try {
    const [alias = ''] = await new Resolver({ timeout: 3000, tries: 2 }).resolveCname(name)
    return alias.toLowerCase().replace(/\.$/, '')
  } catch {
    return ''
  }
}
