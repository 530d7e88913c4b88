/**
 * Checks a config: its shape, and what only the whole can show (names of origins, captures, the order of routes). All
 * mistakes are reported at once: where one part is misshapen, the others are still checked.
 */
import { didYouMean } from '../core/nearest.ts'
import { systemClock } from '../core/clock.ts'
import { compileUserRegex, regexCaptureNames } from '../engine/path-pattern.ts'
import { compileTemplate } from '../engine/template.ts'
import { entryBytesMaxOf } from './caches.ts'
import { configSchema, type ConfigDocument, type RouteDocument } from './document.ts'
import { checkBareDurations } from './bare-durations.ts'
import { clash } from './listener-schema.ts'
import { compileMatch } from './match-schema.ts'
import { problemsOf, valueAt, type ConfigPath, type ConfigProblem } from './problem.ts'
import { hostProblem, hostsOf } from './host-names.ts'
import { OriginNames } from './origin-names.ts'
import { isOriginName, routeSchema } from './route-schema.ts'
import { slowPart } from './slow-regex.ts'
import { checkHttpLoops, checkTcpLoops } from './loops.ts'
import { passedOnProblem } from './tcp-schema.ts'
import { sizeText } from './units.ts'
import {
  isObject,
  listenersOf,
  routesOf,
  serversOf,
  textsBelow,
  urlsOf,
  type WrittenServer,
} from './written.ts'

export interface CheckedConfig {
  /** null when there is an error. */
  readonly document: ConfigDocument | null
  readonly problems: readonly ConfigProblem[]
}

type Tell = (path: ConfigPath, message: string, severity?: 'error' | 'warning', onKey?: boolean) => void

export function checkConfig(input: unknown): CheckedConfig {
  const problems: ConfigProblem[] = []
  const tell: Tell = (path, message, severity = 'error', onKey = false) => {
    problems.push({ path, message, severity, onKey })
  }
  const result = configSchema.safeParse(input)
  if (!result.success) problems.push(...problemsOf(result.error.issues, input))
  checkListeners(input, tell)
  checkSecrecy(input, tell)
  checkHosts(input, tell)
  checkSites(input, tell)
  checkLoops(input, tell)
  checkRequestId(input, tell)
  checkRegexes(input, tell)
  checkBareDurations(input, (path, message) => tell(path, message, 'warning'))
  if (result.success) checkBounds(result.data, tell)
  const isRight = !problems.some((problem) => problem.severity === 'error')
  return { document: isRight && result.success ? result.data : null, problems }
}

function checkBounds(document: ConfigDocument, tell: Tell): void {
  const { startLineBytesMax, headBytesMax } = document.limits
  if (startLineBytesMax > headBytesMax) {
    tell(
      ['limits', 'startLineBytesMax'],
      'the start line is part of the head: it cannot be larger than "headBytesMax"',
    )
  }
  const { connectionsMax, connectionsPerClientMax } = document.limits
  if (connectionsPerClientMax > connectionsMax) {
    const message = 'is never reached: all clients together have at most "connectionsMax"'
    tell(['limits', 'connectionsPerClientMax'], message, 'warning')
  }
  checkSlices(document, tell)
}

function checkSlices(document: ConfigDocument, tell: Tell): void {
  const bytesMax = entryBytesMaxOf(document)
  for (const [host, routes] of Object.entries(document.sites)) {
    for (const [i, { cache }] of routes.entries()) {
      if ((cache?.slice ?? 0) <= bytesMax) continue
      const message = `a slice is not stored when it is larger than ${sizeText(bytesMax)}, the largest answer that a worker stores`
      tell(['sites', host, i, 'cache', 'slice'], message, 'warning')
    }
  }
}

function checkListeners(input: unknown, tell: Tell): void {
  const plans = listenersOf(input)
  for (const [i, plan] of plans.entries()) {
    const before = plans.findIndex(
      (other, k) => k < i && plan !== null && other !== null && clash(plan, other),
    )
    const other = plans[before]
    if (plan === null || other === null || other === undefined) continue
    const which = other.name === plan.name ? '' : ` (${other.name})`
    tell(['listeners', i], `${plan.name} is taken already by listeners[${before}]${which}`)
  }
}

const httpsPort = 443

/**
 * A config with certificates, or with the port of HTTPS, means TLS; but a listener speaks it only where it says
 * so.
 */
function checkSecrecy(input: unknown, tell: Tell): void {
  const plans = listenersOf(input)
  const remedy = 'write { port: 443, tls: true }'
  for (const [i, plan] of plans.entries()) {
    if (plan === null || plan.port !== httpsPort || plan.tls != null || plan.tcp !== undefined) continue
    const path = Array.isArray(valueAt(input, ['listeners'])) ? ['listeners', i] : ['listeners']
    tell(path, `clients speak TLS on port 443, and this listener does not: ${remedy}`, 'warning')
  }
  if (plans.some((plan) => plan === null || plan.tls != null)) return
  for (const key of ['acme', 'certificates'])
    if (valueAt(input, ['tls', key]) !== undefined)
      tell(
        ['tls', key],
        `no listener speaks TLS, so nobody is shown a certificate: ${remedy}`,
        'warning',
        true,
      )
}

/** A host may belong to only one site. */
function checkHosts(input: unknown, tell: Tell): void {
  const sites = valueAt(input, ['sites'])
  const seen = new Map<string, string>()
  for (const key of isObject(sites) ? Object.keys(sites) : []) {
    if (hostProblem(key) !== '') continue
    for (const host of hostsOf(key)) {
      const before = seen.get(host)
      const message =
        before === key ? `${host} is written twice` : `${host} is a site already: sites["${before}"]`
      if (before !== undefined) tell(['sites', key], message, 'error', true)
      seen.set(host, key)
    }
  }
}

/** Works on what was written, so that a mistake elsewhere does not hide what is wrong here. */
function checkSites(input: unknown, tell: Tell): void {
  const sites = valueAt(input, ['sites'])
  const origins = valueAt(input, ['origins'])
  const names = new OriginNames(origins)
  checkPassedOn(input, names, tell)
  if (isObject(input) && (sites === undefined || (isObject(sites) && Object.keys(sites).length === 0))) {
    if (input['maintenance'] !== true && !names.areUsed)
      tell(['sites'], 'there is no site: every request will be answered 404', 'warning')
  }
  if (!isObject(sites)) return
  for (const [host, site] of Object.entries(sites)) {
    if (typeof site === 'string') checkOrigin(site, ['sites', host], names, tell)
    else if (Array.isArray(site)) checkRoutes(site, ['sites', host], names, tell)
    else checkRoute(site, ['sites', host], names, tell)
  }
  for (const name of names.unused)
    tell(['origins', name], `no route uses the origin "${name}"`, 'warning', true)
}

/** Listeners that pass connections on name origins, too. */
function checkPassedOn(input: unknown, names: OriginNames, tell: Tell): void {
  const listeners = valueAt(input, ['listeners'])
  for (const [i, listener] of Array.isArray(listeners) ? listeners.entries() : []) {
    const tcp = valueAt(listener, ['tcp'])
    const routes = isObject(tcp) ? Object.entries(tcp) : [['', tcp] as const]
    for (const [pattern, origin] of routes) {
      if (typeof origin !== 'string') continue
      const path = ['listeners', i, 'tcp', ...(pattern === '' ? [] : [pattern])]
      checkOrigin(origin, path, names, tell)
      for (const url of urlsOf(valueAt(input, ['origins', origin]))) {
        const problem = passedOnProblem(url)
        if (problem !== '') tell(path, `origin "${origin}": ${problem}`)
      }
    }
  }
}

/** Origins that are listeners of this server. */
function checkLoops(input: unknown, tell: Tell): void {
  const plans = listenersOf(input)
  const listeners = plans.flatMap((plan) => plan ?? [])
  const named = (origin: string): WrittenServer[] =>
    serversOf(valueAt(input, ['origins', origin]), ['origins', origin])
  // Each place is reported once, however many routes lead there.
  const asked = new Map<string, WrittenServer[]>()
  for (const [path, route] of routesOf(input)) {
    const isShort = typeof route === 'string'
    const origin = isShort ? route : valueAt(route, ['origin'])
    if (typeof origin !== 'string') continue
    const place = isShort ? path : [...path, 'origin']
    if (isOriginName(origin)) asked.set(origin, named(origin))
    else asked.set(place.join('\0'), [{ path: place, url: origin }])
  }
  const warn = (path: ConfigPath, message: string): void => tell(path, message, 'warning')
  checkHttpLoops([...asked.values()].flat(), listeners, warn)
  const urls = (origin: string): string[] =>
    isOriginName(origin) ? named(origin).map(({ url }) => url) : [origin]
  checkTcpLoops(listeners, urls, (listener, pattern, message) => {
    const path = ['listeners', plans.indexOf(listener), 'tcp']
    const isWritten = isObject(valueAt(input, path))
    warn(isWritten ? [...path, pattern] : path, message)
  })
}

function checkOrigin(name: string, path: ConfigPath, names: OriginNames, tell: Tell): void {
  const mistake = names.use(name)
  if (mistake !== '') tell(path, mistake)
}

function checkRoutes(routes: unknown[], path: ConfigPath, names: OriginNames, tell: Tell): void {
  if (routes.length === 0)
    tell(path, 'the site has no route: every request for it will be answered 404', 'warning')
  let takesAll = -1
  for (const [i, raw] of routes.entries()) {
    const isCatchAll = checkRoute(raw, [...path, i], names, tell)
    if (isCatchAll && takesAll < 0) takesAll = i
  }
  const behind = routes.length - 1 - takesAll
  if (takesAll < 0 || behind === 0) return
  const which = behind === 1 ? 'this route is' : `this route and the ${behind - 1} after it are`
  tell([...path, takesAll + 1], `${which} never reached: route [${takesAll}] takes every request`, 'warning')
}

/** Reports what is wrong across the parts of a route. True when the route takes every request. */
function checkRoute(raw: unknown, path: ConfigPath, names: OriginNames, tell: Tell): boolean {
  if (!isObject(raw)) return false
  if (typeof raw['origin'] === 'string') checkOrigin(raw['origin'], [...path, 'origin'], names, tell)
  const result = routeSchema.shape.match.safeParse(raw['match'])
  if (!result.success) return false
  const matcher = compileMatch(result.data)
  const captures = { count: 0, names: new Set<string>(), of: 'the match' }
  for (const pattern of matcher.paths) {
    captures.count = Math.max(captures.count, pattern.captureNames.length)
    for (const name of pattern.captureNames) if (name !== '') captures.names.add(name)
  }
  checkCaptures(raw, path, captures, tell)
  return matcher.isCatchAll
}

/** Warns of slow regexes: clients choose the text that these are matched against. */
function checkRegexes(input: unknown, tell: Tell): void {
  for (const [path, route] of routesOf(input)) {
    for (const place of ['match', 'rewrite']) {
      for (const [at, text] of textsBelow(valueAt(route, [place]), [...path, place])) {
        const key = at.at(-1)
        const slow = key === 'regex' || key === 'pattern' ? slowPart(text) : ''
        if (slow === '') continue
        tell(at, `"${slow}" repeats what repeats: a hostile text can make this regex very slow`, 'warning')
      }
    }
  }
}

/**
 * Warns of steps that edit the field of the request id: they would do so in vain, since the proxy step writes
 * it.
 */
function checkRequestId(input: unknown, tell: Tell): void {
  const written = valueAt(input, ['forwarding', 'requestId'])
  if (written === false) return
  const field = (typeof written === 'string' ? written : 'X-Request-Id').toLowerCase()
  for (const [path, route] of routesOf(input)) {
    for (const edit of ['set', 'add']) {
      const names = valueAt(route, ['headers', 'request', edit])
      for (const name of isObject(names) ? Object.keys(names) : []) {
        const message = `${name} cannot be edited: it is written by the proxy step; see "forwarding.requestId"`
        if (name.toLowerCase() === field)
          tell([...path, 'headers', 'request', edit, name], message, 'error', true)
      }
    }
  }
}

interface Captures {
  count: number
  readonly names: Set<string>
  readonly of: string
}

/** Reports captures that do not exist: `$3` where there are only two would always be ''. */
function checkCaptures(
  route: Record<string, unknown>,
  path: ConfigPath,
  captures: Captures,
  tell: Tell,
): void {
  if (typeof route['rewrite'] === 'string') {
    checkTemplate(route['rewrite'], [...path, 'rewrite'], captures, tell)
  }
  for (const place of templatePlaces) {
    for (const [at, text] of textsBelow(valueAt(route, place), [...path, ...place])) {
      checkTemplate(text, at, place.includes('regex') ? regexCaptures(route, captures) : captures, tell)
    }
  }
}

const templatePlaces: readonly ConfigPath[] = [
  ['redirect'],
  ['headers'],
  ['respond', 'headers'],
  ['rewrite', 'path'],
  ['rewrite', 'query', 'set'],
  ['rewrite', 'regex', 'replacement'],
]

function regexCaptures(route: Record<string, unknown>, match: Captures): Captures {
  const source = valueAt(route, ['rewrite', 'regex', 'pattern'])
  const shape = typeof source === 'string' ? compileUserRegex(source) : ''
  const count = typeof shape === 'string' ? Infinity : regexCaptureNames(shape).length
  return { count, names: match.names, of: 'this regex' }
}

function checkTemplate(text: string, path: ConfigPath, captures: Captures, tell: Tell): void {
  const template = compileTemplate(text, { clock: systemClock, form: 'field', hasResponse: true })
  if (typeof template === 'string') return
  if (template.captureCount > captures.count) {
    const there =
      captures.count === 0
        ? 'captures nothing'
        : `captures only $1${captures.count > 1 ? ` to $${captures.count}` : ''}`
    tell(path, `$${template.captureCount} is never set: ${captures.of} ${there}`)
  }
  for (const name of template.captureNames) {
    if (captures.names.has(name)) continue
    tell(path, `{path.${name}} is never set: the match has no ":${name}"${didYouMean(name, captures.names)}`)
  }
}

export type { RouteDocument }
