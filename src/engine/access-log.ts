/**
 * The access log: one line for each exchange, in one of two forms.
 *
 * `combined` is that of Apache and nginx, so that every analyser reads it, with ours appended:
 *
 *     client - - [time] "METHOD target HTTP/1.1" status bytes "referer" "user-agent"
 *     id "route" upstream connect-ms first-byte-ms total-ms attempts fault [cache]
 *
 * all on one line, with '-' for a value that there is not; the last word is written only where a cache was asked. The
 * status is 000 when no answer was sent. `json` uses the keys of Caddy's log where it has one. The user is never
 * logged: it would come from Authorization.
 *
 * A line is assembled from strings that exist already, and the time of day is formatted once a second:
 * bench/micro/access-log.ts measures it.
 */
import { NONE, faultRow, type Fault } from '../core/faults.ts'
import type { Clock } from '../core/clock.ts'
import { CacheResult, cacheResultNames } from '../http/cache-result.ts'
import type { Exchange } from '../http/exchange.ts'
import { VERSION_TCP } from '../http/message.ts'
import { Field } from '../http/known-fields.ts'
import { combinedTime, cutText, jsonText, msText, plainText, secondsText } from './log-text.ts'
import { hiddenText, type Redaction } from './redaction.ts'

/**
 * On a log where long lines may be torn, the three texts that clients choose are cut to this many characters
 * each …
 */
const cutLength = 950
/** … and host, id and route to this many, so that all together stay below `pipeBytesMax`. */
const cutWordLength = 200

/** The end of a line in the combined form. */
const cacheWords: readonly string[] = cacheResultNames.map((name) => (name === '' ? '\n' : ` ${name}\n`))

export class AccessLog {
  readonly #format: 'combined' | 'json'
  readonly #clock: Clock
  readonly #redaction: Redaction
  readonly #hidesReferer: boolean
  readonly #hidesAgent: boolean
  readonly #isCut: boolean
  #second = -1
  #time = ''

  /** `lineBytesMax` is the queue's. */
  constructor(format: 'combined' | 'json', redaction: Redaction, clock: Clock, lineBytesMax = Infinity) {
    this.#isCut = lineBytesMax !== Infinity
    this.#format = format
    this.#clock = clock
    this.#redaction = redaction
    this.#hidesReferer = redaction.hidesField('referer')
    this.#hidesAgent = redaction.hidesField('user-agent')
  }

  /** The line of an exchange that is over, line feed included. `status` 0: no answer was sent. */
  line(x: Exchange, status: number, fault: Fault, totalMs: number): string {
    const request = x.request
    let target = request.target === '' ? request.authority : request.target
    if (request.queryStart < target.length)
      target = this.#redaction.parameters(target, request.queryStart + 1)
    let referer = request.fields.get(Field.REFERER) ?? ''
    if (referer !== '') referer = this.#hidesReferer ? hiddenText : this.#redaction.url(referer)
    let agent = request.fields.get(Field.USER_AGENT) ?? ''
    if (agent !== '' && this.#hidesAgent) agent = hiddenText
    if (this.#isCut) {
      target = cutText(target, cutLength)
      referer = cutText(referer, cutLength)
      agent = cutText(agent, cutLength)
    }
    return this.#format === 'combined'
      ? this.#combined(x, target, referer, agent, status, fault, totalMs)
      : this.#json(x, target, referer, agent, status, fault, totalMs)
  }

  #combined(
    x: Exchange,
    target: string,
    referer: string,
    agent: string,
    status: number,
    fault: Fault,
    totalMs: number,
  ): string {
    const second = Math.floor(this.#clock.wallMs() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#time = ' - - [' + combinedTime(second * 1000) + '] "'
    }
    const request = x.request
    const start =
      request.method === ''
        ? '-'
        : plainText(request.method) + ' ' + plainText(target) + protocolText(request.version)
    return (
      plainText(clientOf(x)) +
      this.#time +
      start +
      '" ' +
      (status === 0 ? '000' : status) +
      ' ' +
      x.bytesSent +
      ' "' +
      plainText(referer) +
      '" "' +
      plainText(agent) +
      '" ' +
      wordText(this.#word(x.requestId)) +
      ' "' +
      (x.route === null ? '-' : plainText(this.#word(x.route.name))) +
      '" ' +
      wordText(x.upstreamAddress) +
      ' ' +
      (x.attempts === 0 ? '-' : msText(x.connectMs)) +
      ' ' +
      msText(x.firstByteMs) +
      ' ' +
      msText(totalMs) +
      ' ' +
      x.attempts +
      (fault === NONE ? ' -' : ' ' + faultRow(fault).name) +
      (cacheWords[x.cacheResult] as string)
    )
  }

  #json(
    x: Exchange,
    target: string,
    referer: string,
    agent: string,
    status: number,
    fault: Fault,
    totalMs: number,
  ): string {
    const request = x.request
    let line =
      '{"ts":' +
      secondsText(this.#clock.wallMs()) +
      ',"level":"info","logger":"access","msg":"handled request","id":"' +
      jsonText(this.#word(x.requestId)) +
      '","request":{"remote_ip":"' +
      jsonText(x.down.remoteAddress) +
      '","remote_port":"' +
      x.down.remotePort +
      '","client_ip":"' +
      jsonText(clientOf(x)) +
      relayText(x) +
      '","proto":"' +
      protocolText(request.version).slice(1) +
      '","method":"' +
      jsonText(request.method) +
      '","host":"' +
      jsonText(this.#word(request.authority)) +
      '","uri":"' +
      jsonText(target) +
      this.#tlsText(x) +
      ',"headers":{'
    if (agent !== '') line += '"User-Agent":["' + jsonText(agent) + '"]'
    if (referer !== '') line += (agent === '' ? '' : ',') + '"Referer":["' + jsonText(referer) + '"]'
    line += '}},"bytes_read":' + x.body.receivedBytes + ',"duration":' + secondsText(totalMs)
    line += ',"size":' + x.bytesSent + ',"status":' + status
    if (x.route !== null) line += ',"route":"' + jsonText(this.#word(x.route.name)) + '"'
    if (x.attempts > 0) {
      line += ',"upstream":{"addr":"' + jsonText(x.upstreamAddress) + '","attempts":' + x.attempts
      line += ',"connect":' + secondsText(x.connectMs)
      if (x.firstByteMs >= 0) line += ',"ttfb":' + secondsText(x.firstByteMs)
      line += '}'
    }
    if (x.cacheResult !== CacheResult.NONE) line += ',"cache":"' + cacheResultNames[x.cacheResult] + '"'
    if (fault !== NONE) line += ',"fault":"' + faultRow(fault).name + '"'
    return line + '}\n'
  }

  /** One more field, after a text that is still open. */
  #tlsText(x: Exchange): string {
    const { guard } = x.down
    const session = guard?.session ?? null
    if (guard == null || session === null) return '"'
    const { version, cipher, isResumed } = session
    const name = jsonText(this.#word(guard.serverName))
    return `","tls":{"version":"${version}","cipher_suite":"${cipher}","server_name":"${name}","resumed":${isResumed}}`
  }

  #word(text: string): string {
    return this.#isCut ? cutText(text, cutWordLength) : text
  }
}

function clientOf(x: Exchange): string {
  return x.clientAddress === '' ? x.down.remoteAddress : x.clientAddress
}

/** One more field, for the proxy that announced the client by the PROXY protocol. */
function relayText(x: Exchange): string {
  const { relayAddress = '' } = x.down
  return relayAddress === '' ? '' : '","relay_ip":"' + jsonText(relayAddress)
}

/** For a place without quotes: a space would shift what follows. */
function wordText(text: string): string {
  return text.indexOf(' ') < 0 ? plainText(text) : plainText(text).replaceAll(' ', '\\x20')
}

function protocolText(version: number): string {
  switch (version) {
    case VERSION_TCP:
      return ' TCP'
    case 10:
      return ' HTTP/1.0'
    case 11:
      return ' HTTP/1.1'
    case 20:
      return ' HTTP/2.0'
    case 30:
      return ' HTTP/3.0'
    default:
      return ' HTTP/' + Math.floor(version / 10) + '.' + (version % 10)
  }
}
