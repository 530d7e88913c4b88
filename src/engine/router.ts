/**
 * HostRouter: chooses the site by the host, then the first of its routes, in the order written, that matches.
 *
 * The site is the most specific one: the exact host, else the longest `*.suffix` (any number of labels in front of
 * it, at least one), else `*`. When no route of that site takes the request there is no second try at another site:
 * what a site does not name it does not serve, whatever `*` would do with it. The result is NO_ROUTE, logged with the
 * reason.
 *
 * A guard holds whatever the spelling. For a path that some origins read differently (`looserPath`: '/admin%2Fx',
 * '/admin;x/y') the other reading is looked up too, and the request is refused when that is taken by a route before
 * the one found. Routes after it are no guards: '/packages/:name' takes '/packages/@a%2Fb' whatever follows.
 *
 * Routes that begin with a literal segment are indexed by it, so a site with a thousand folders costs one Map lookup.
 * Every list of candidates is in the order written, so that order holds.
 */
import { Faults, NONE } from '../core/faults.ts'
import { listed } from '../core/listed.ts'
import type { Exchange, RouteInfo } from '../http/exchange.ts'
import { looserPath } from '../http/target.ts'
import type { Matcher } from './match.ts'
import { firstSegmentOf } from './path-pattern.ts'
import type { Router } from './plan.ts'

export interface RouteRule {
  readonly matcher: Matcher
  readonly route: RouteInfo
}

export interface SiteRules {
  /** The key as written, for logs: it may name several hosts. */
  readonly name: string
  /** The hosts in lower case; also '*.example.com' and '*'. */
  readonly hosts: readonly string[]
  readonly rules: readonly RouteRule[]
}

/** From this many rules on, an index by first segment is quicker than asking each rule. */
const indexFrom = 6

class Site {
  readonly name: string
  readonly rules: readonly RouteRule[]
  /** The first rule, if it takes everything: then nothing needs to be asked. */
  readonly #always: RouteInfo | null
  /** Places of the rules whose paths all begin with a literal segment, by that. */
  readonly #bySegment: ReadonlyMap<string, readonly number[]> | null
  /** Places of all others. */
  readonly #others: readonly number[]

  constructor(name: string, rules: readonly RouteRule[]) {
    this.name = name
    this.rules = rules
    this.#always = rules[0]?.matcher.isUnconditional === true ? rules[0].route : null
    this.#others = [...rules.keys()].filter((place) => segmentsOf(rules[place] as RouteRule) === null)
    this.#bySegment = rules.length < indexFrom ? null : indexBySegment(rules)
  }

  /**
   * The route that takes x; null: none does, or, with TARGET_BAD in `x.fault`, another reading of the path
   * belongs to an earlier route.
   */
  find(x: Exchange): RouteInfo | null {
    if (this.#always !== null) return this.#always
    const looser = looserPath(x.request.path)
    if (looser === x.request.path) return this.#first(x)?.route ?? null
    const guard = this.guardOf(x, looser)
    const rule = this.#first(x)
    if (rule === null || !this.isBefore(guard, rule.route)) return rule?.route ?? null
    x.fault = Faults.TARGET_BAD
    return null
  }

  isBefore(guard: RouteRule | null, route: RouteInfo): boolean {
    return (
      guard !== null && this.rules.find((rule) => rule === guard || rule.route === route)?.route !== route
    )
  }

  /** The rule that takes the same request with another path. */
  guardOf(x: Exchange, path: string): RouteRule | null {
    const { request } = x
    const own = request.path
    request.path = path
    const rule = this.#first(x)
    request.path = own
    return rule
  }

  #first(x: Exchange): RouteRule | null {
    const { rules } = this
    const index = this.#bySegment
    if (index !== null) return this.#firstOf(x, index.get(firstSegmentOf(x.request.path)) ?? nowhere)
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as RouteRule
      if (rule.matcher.matches(x)) return rule
    }
    return null
  }

  /** In the order of the rules, of those at `own` and the others. */
  #firstOf(x: Exchange, own: readonly number[]): RouteRule | null {
    const others = this.#others
    for (let i = 0, k = 0; i < own.length || k < others.length;) {
      const isOwn = i < own.length && (k === others.length || (own[i] as number) < (others[k] as number))
      const rule = this.rules[(isOwn ? own[i++] : others[k++]) as number] as RouteRule
      if (rule.matcher.matches(x)) return rule
    }
    return null
  }
}

const nowhere: readonly number[] = []

/** The literal first segments of a rule, null when some path of it has none. */
function segmentsOf(rule: RouteRule): readonly string[] | null {
  const segments: string[] = []
  for (const path of rule.matcher.paths) {
    if (path.firstSegment === null) return null
    segments.push(path.firstSegment)
  }
  return segments.length === 0 ? null : segments
}

function indexBySegment(rules: readonly RouteRule[]): ReadonlyMap<string, readonly number[]> {
  const index = new Map<string, number[]>()
  for (const [place, rule] of rules.entries()) {
    for (const segment of new Set(segmentsOf(rule))) {
      const places = index.get(segment)
      if (places === undefined) index.set(segment, [place])
      else places.push(place)
    }
  }
  return index
}

export class HostRouter implements Router {
  readonly #exact = new Map<string, Site>()
  /** The sites by '.example.com'. */
  readonly #suffixes = new Map<string, Site>()
  #any: Site | null = null

  constructor(sites: readonly SiteRules[]) {
    for (const { name, hosts, rules } of sites) {
      const site = new Site(name, rules)
      for (const host of hosts) {
        if (host === '*') this.#any = site
        else if (host.startsWith('*.')) this.#suffixes.set(host.slice(1), site)
        else this.#exact.set(host, site)
      }
    }
  }

  find(x: Exchange): RouteInfo | null {
    const site = this.#siteOf(x.request.host)
    const route = site === null ? null : site.find(x)
    if (route === null && x.fault === NONE) x.fault = Faults.NO_ROUTE
    return route
  }

  explain(x: Exchange, say: (sentence: string) => void): RouteInfo | null {
    const { host } = x.request
    const site = this.#siteOf(host)
    if (site === null) {
      say(`no site takes host ${host === '' ? '(none)' : host}; there are ${this.#hostsText()}`)
      x.fault = Faults.NO_ROUTE
      return null
    }
    say(`site ${site.name} takes host ${host === '' ? '(none)' : host}`)
    const looser = looserPath(x.request.path)
    const guard = looser === x.request.path ? null : site.guardOf(x, looser)
    for (const { matcher, route } of site.rules) {
      const reason = matcher.whyNot(x)
      if (reason === '') {
        if (site.isBefore(guard, route)) {
          say(
            `route ${route.name} would, but some origins read ${looser}, which is ${guard?.route.name}'s: refused`,
          )
          x.fault = Faults.TARGET_BAD
          return null
        }
        matcher.matches(x)
        say(`route ${route.name} takes it${capturesText(x)}`)
        return route
      }
      say(`route ${route.name} does not: ${reason}`)
    }
    say(`no route of site ${site.name} takes it; other sites are not tried`)
    x.fault = Faults.NO_ROUTE
    return null
  }

  #hostsText(): string {
    const hosts = [...this.#exact.keys(), ...[...this.#suffixes.keys()].map((suffix) => '*' + suffix)]
    return listed(hosts)
  }

  #siteOf(host: string): Site | null {
    // A single site for every host needs no lookup.
    if (this.#exact.size === 0 && this.#suffixes.size === 0) return this.#any
    const site = this.#exact.get(host)
    if (site !== undefined) return site
    // 'example.com.' is the same name, written absolutely (RFC 1034 §3.1).
    if (host.length > 1 && host.endsWith('.')) return this.#siteOf(host.slice(0, -1))
    if (this.#suffixes.size > 0) {
      for (let dot = host.indexOf('.', 1); dot >= 0; dot = host.indexOf('.', dot + 1)) {
        const wild = this.#suffixes.get(host.slice(dot))
        if (wild !== undefined) return wild
      }
    }
    return this.#any
  }
}

function capturesText(x: Exchange): string {
  if (x.captures.length === 0) return ''
  const texts = x.captures.map((value, i) => {
    const name = x.captureNames[i] ?? ''
    return `$${i + 1}${name === '' ? '' : ` = {path.${name}}`} = "${value}"`
  })
  return ', ' + texts.join(', ')
}
