/**
 * Cache-Control (RFC 9111 §5.2), Pragma (§5.4) and targeted fields (RFC 9213) as bits and seconds.
 *
 * Promises: names are read in any case, arguments as token or quoted string, and nothing inside a quoted string is a
 * directive. A directive that restricts counts whatever is wrong with its argument; one that permits counts only in
 * its exact form. Freshness that is invalid, or stated twice with different values, is 0: stale, as §4.2.1
 * encourages.
 */
import { readDecimal } from '../core/bytes.ts'
import { splitDirectives, type SeenDirective } from './directives.ts'
import type { Fields } from './fields.ts'
import { Field } from './known-fields.ts'
import { readDictionary, type Member } from './structured.ts'
import { hasToken, splitTokens } from './tokens.ts'

/** Bits of `bits`. */
export const Directive = {
  NO_STORE: 1,
  /** Without field names. */
  NO_CACHE: 2,
  /** Without field names. */
  PRIVATE: 4,
  PUBLIC: 8,
  MUST_REVALIDATE: 16,
  PROXY_REVALIDATE: 32,
  MUST_UNDERSTAND: 64,
  IMMUTABLE: 128,
  ONLY_IF_CACHED: 256,
  /** Something about freshness was not a number, or was two. */
  MALFORMED: 512,
} as const

/** delta-seconds beyond this are read as this (RFC 9111 §1.2.2). */
export const secondsMax = 2 ** 31

const noNames: readonly string[] = []

export class ResponseDirectives {
  bits = 0
  /** Seconds; -1 where not given. So are the next three. */
  maxAge = -1
  sharedMaxAge = -1
  whileRevalidate = -1
  ifError = -1
  /** Lower-case names of the fields in no-cache="…" and private="…": not to be stored, or not to be reused. */
  fieldNames: readonly string[] = noNames
  /** The targeted field that decided; '' for Cache-Control. Then Expires counts for nothing (RFC 9213 §2.2). */
  target = ''

  reset(): void {
    this.bits = 0
    this.maxAge = this.sharedMaxAge = this.whileRevalidate = this.ifError = -1
    this.fieldNames = noNames
    this.target = ''
  }
}

/** Of an answer: the first of `targets` (lower case, in their order) that is valid, else Cache-Control. */
export function readResponseDirectives(
  fields: Fields,
  targets: readonly string[],
  into: ResponseDirectives,
): void {
  into.reset()
  for (const target of targets) {
    const text = fields.combinedByName(target)
    if (text !== undefined && readTargeted(text, into)) {
      into.target = target
      return
    }
  }
  const text = fields.combined(Field.CACHE_CONTROL)
  if (text === undefined) return
  for (const seen of splitDirectives(text)) takeResponse(into, seen)
}

/** False when the field is to be ignored as a whole: it is no dictionary, empty, or a known directive has a wrong type. */
function readTargeted(text: string, into: ResponseDirectives): boolean {
  const members = readDictionary(text)
  if (members === null || members.size === 0) return false
  for (const [name, member] of members) {
    if (!hasRightType(name, member)) {
      into.reset()
      return false
    }
    takeResponse(into, { name, argument: argumentOf(member) })
  }
  return true
}

function argumentOf(member: Member): string {
  if (member.kind === 'list') return ''
  return member.value === true ? '' : String(member.value)
}

/** RFC 9213 §2.1: the type that the directive's definition implies. */
function hasRightType(name: string, member: Member): boolean {
  switch (name) {
    case 'max-age':
    case 's-maxage':
    case 'stale-while-revalidate':
    case 'stale-if-error':
      return member.kind === 'integer'
    case 'no-cache':
    case 'private':
      return member.kind === 'string' || isTrue(member)
    case 'no-store':
    case 'public':
    case 'must-revalidate':
    case 'proxy-revalidate':
    case 'must-understand':
    case 'immutable':
      return isTrue(member)
    default:
      return true
  }
}

function isTrue(member: Member): boolean {
  return member.kind === 'boolean' && member.value === true
}

function takeResponse(into: ResponseDirectives, { name, argument }: SeenDirective): void {
  switch (name) {
    case 'max-age':
      into.maxAge = lifetime(into, into.maxAge, argument)
      return
    case 's-maxage':
      into.sharedMaxAge = lifetime(into, into.sharedMaxAge, argument)
      return
    case 'stale-while-revalidate':
      into.whileRevalidate = shorter(into.whileRevalidate, argument)
      return
    case 'stale-if-error':
      into.ifError = shorter(into.ifError, argument)
      return
    case 'no-cache':
      return takeNames(into, Directive.NO_CACHE, argument)
    case 'private':
      return takeNames(into, Directive.PRIVATE, argument)
    case 'no-store':
      into.bits |= Directive.NO_STORE
      return
    case 'must-revalidate':
      into.bits |= Directive.MUST_REVALIDATE
      return
    case 'proxy-revalidate':
      into.bits |= Directive.PROXY_REVALIDATE
      return
    default:
      takePermission(into, name, argument)
  }
}

/** What permits more than silence does counts only in its exact form. */
function takePermission(into: ResponseDirectives, name: string, argument: string | null): void {
  if (argument !== '') return
  if (name === 'public') into.bits |= Directive.PUBLIC
  else if (name === 'must-understand') into.bits |= Directive.MUST_UNDERSTAND
  else if (name === 'immutable') into.bits |= Directive.IMMUTABLE
}

/** Field names restrict the directive to those fields; anything that is no list of names restricts nothing. */
function takeNames(into: ResponseDirectives, bit: number, argument: string | null): void {
  const names = argument === null ? noNames : splitTokens(argument)
  if (names.length === 0 || !names.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))) into.bits |= bit
  else into.fieldNames = [...into.fieldNames, ...names]
}

/** The same value twice is one; two values are none, and stale is what nobody can mind (RFC 9111 §4.2.1). */
function lifetime(into: ResponseDirectives, before: number, argument: string | null): number {
  const seconds = readSeconds(argument)
  if (seconds >= 0 && (before === -1 || before === seconds)) return seconds
  into.bits |= Directive.MALFORMED
  return 0
}

/** A leave to be stale: none where it is invalid, the shorter of two. */
function shorter(before: number, argument: string | null): number {
  const seconds = Math.max(0, readSeconds(argument))
  return before < 0 ? seconds : Math.min(before, seconds)
}

/** delta-seconds (RFC 9111 §1.2.2), at most `secondsMax`; -1 for anything else. */
export function readSeconds(argument: string | null): number {
  if (argument === null || !/^[0-9]+$/.test(argument)) return -1
  const seconds = readDecimal(argument)
  return seconds < 0 || seconds > secondsMax ? readLongSeconds(argument) : seconds
}

/** More digits than a number holds: leading zeros, or more than anybody lives. */
function readLongSeconds(argument: string): number {
  const digits = argument.replace(/^0+/, '')
  return digits.length > 10 ? secondsMax : Math.min(Number(digits), secondsMax)
}

export class RequestDirectives {
  /** Of Directive: NO_STORE, NO_CACHE, ONLY_IF_CACHED. */
  bits = 0
  /** Seconds; -1 where not given. So is the next. */
  maxAge = -1
  minFresh = -1
  /** Seconds; -1 where not given, Infinity for max-stale without a number. */
  maxStale = -1
  /** stale-if-error of a request (RFC 5861 §4). Seconds; -1 where not given. */
  ifError = -1

  reset(): void {
    this.bits = 0
    this.maxAge = this.minFresh = this.maxStale = this.ifError = -1
  }
}

/** Of a request: Cache-Control, or where there is none Pragma: no-cache (RFC 9111 §5.4). */
export function readRequestDirectives(fields: Fields, into: RequestDirectives): void {
  into.reset()
  const text = fields.combined(Field.CACHE_CONTROL)
  if (text === undefined) {
    const pragma = fields.combined(Field.PRAGMA)
    if (pragma !== undefined && hasToken(pragma, 'no-cache')) into.bits = Directive.NO_CACHE
    return
  }
  for (const seen of splitDirectives(text)) takeRequest(into, seen)
}

function takeRequest(into: RequestDirectives, { name, argument }: SeenDirective): void {
  switch (name) {
    case 'no-store':
      into.bits |= Directive.NO_STORE
      return
    case 'no-cache':
      into.bits |= Directive.NO_CACHE
      return
    case 'only-if-cached':
      into.bits |= Directive.ONLY_IF_CACHED
      return
    case 'max-age':
      into.maxAge = shorter(into.maxAge, argument)
      return
    case 'min-fresh':
      into.minFresh = Math.max(into.minFresh, readSeconds(argument))
      return
    case 'stale-if-error':
      into.ifError = shorter(into.ifError, argument)
      return
    case 'max-stale':
      into.maxStale = argument === '' && into.maxStale < 0 ? Infinity : shorter(into.maxStale, argument)
  }
}
