/**
 * Problems of a config: where, what, and what was probably meant. They are made from zod's issues, which know the
 * place but speak of types; people wrote a file, so they are told about keys and values.
 */
import { z } from 'zod'
import { didYouMean } from '../core/nearest.ts'
import { futureKeys } from './document.ts'
import { knownKeys, placesOf } from './known-keys.ts'
import { endMissing } from './route-schema.ts'

export type ConfigPath = readonly (string | number)[]

export interface ConfigProblem {
  readonly path: ConfigPath
  /** The problem is with the key itself, not with its value. */
  readonly onKey: boolean
  readonly severity: 'error' | 'warning'
  readonly message: string
}

type Issue = z.core.$ZodIssue

/** sites["www.example.com"][2].redirect */
export function pathText(path: ConfigPath): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(key)) text += text === '' ? key : `.${key}`
    else text += `[${JSON.stringify(key)}]`
  }
  return text
}

export function problemsOf(issues: readonly Issue[], input: unknown): ConfigProblem[] {
  const problems = issues.flatMap((issue) => flatten(issue, [], input))
  // A route whose end is misspelled is not also told that it lacks one.
  return problems.filter(
    (one) => one.message !== endMissing || !problems.some((other) => isKeyOf(other, one)),
  )
}

function isKeyOf(key: ConfigProblem, parent: ConfigProblem): boolean {
  return (
    key.onKey &&
    key.path.length === parent.path.length + 1 &&
    parent.path.every((part, i) => part === key.path[i])
  )
}

function errorAt(path: ConfigPath, message: string, onKey = false): ConfigProblem {
  return { path, onKey, severity: 'error', message }
}

function flatten(issue: Issue, base: ConfigPath, input: unknown): ConfigProblem[] {
  const path = [...base, ...(issue.path as (string | number)[])]
  const found = valueAt(input, issue.path as (string | number)[])
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => errorAt([...path, key], unknownKey(key, path), true))
    case 'invalid_key':
      return issue.issues.map((inner) => errorAt(path, inner.message, true))
    case 'invalid_union':
      return flattenUnion(issue.errors, path, found)
    case 'invalid_type':
      return [errorAt(path, typeMessage([issue], found))]
    case 'invalid_value':
      return [errorAt(path, typeMessage([issue], found))]
    case 'custom':
      return [errorAt(path, issue.message, issue.params?.['onKey'] === true)]
    case 'too_big':
    case 'too_small':
      return [errorAt(path, typeof found === 'number' ? `${issue.message}, not ${found}` : issue.message)]
    default:
      return [errorAt(path, issue.message)]
  }
}

function unknownKey(key: string, path: ConfigPath): string {
  const known = knownKeys(path)
  if ((futureKeys.has(key) || futureWords.has(key)) && !known.includes(key))
    return `"${key}" is not available in this version of Headgate`
  if (known.includes(key)) return `"${key}" cannot stand beside the other keys that are here`
  return `unknown key "${key}"${hintFor(key, path) || didYouMean(key, known) || elsewhere(key)}`
}

/** What others call that which a later version is to have. */
const futureWords: ReadonlySet<string> = new Set([
  'fileServer',
  'compression',
  'gzip',
  'healthCheck',
  'healthChecks',
  'rateLimit',
  'rateLimits',
])

/** Says where a key belongs that is right but in the wrong place. */
function elsewhere(key: string): string {
  const places = placesOf(key)
    .slice(0, 2)
    .map((place) => (place === '' ? 'at the top' : `in ${place}`))
  return places.length === 0 ? '' : `; it belongs ${places.join(' or ')}`
}

/** Words of other programs for what has another name here. */
const otherWords: Readonly<Record<string, string>> = {
  upstreams: 'origins',
  upstream: 'origin',
  backends: 'origins',
  backend: 'origin',
  proxy: 'origin',
  proxy_pass: 'origin',
  target: 'origin',
  reverse_proxy: 'origin',
  hosts: 'sites',
  routes: 'sites',
  servers: 'sites',
  server: 'sites',
  listen: 'listeners',
  port: 'listeners',
  paths: 'match',
  path: 'match',
  location: 'match',
  return: 'respond',
  status: 'respond',
  trusted_proxies: 'trustedProxies',
  code: 'status',
  read: 'betweenBytes',
  send: 'originWrite',
  write: 'originWrite',
  keepalive: 'keepAlive',
  format: 'access',
  file: 'accessFile',
  output: 'accessFile',
  cert: 'certificates',
  strip: 'stripPrefix',
  strip_prefix: 'stripPrefix',
  stalewhilerevalidate: 'grace',
  staleiferror: 'errorGrace',
  swr: 'grace',
}

/** What people write elsewhere for true and false; in YAML 1.2 these are texts. */
const booleanWords: ReadonlyMap<string, string> = new Map([
  ['yes', 'true'],
  ['on', 'true'],
  ['no', 'false'],
  ['off', 'false'],
])

/** Words for the host, which other programs match in a route. */
const hostWords: ReadonlySet<string> = new Set([
  'host',
  'hosts',
  'domain',
  'domains',
  'server_name',
  'hostname',
])

function hintFor(key: string, path: ConfigPath): string {
  if (path[0] === 'sites' && path.length > 1 && hostWords.has(key.toLowerCase()))
    return '; hosts are the keys of "sites"'
  const word = otherWords[key.toLowerCase()]
  return word !== undefined && knownKeys(path).includes(word) ? `; did you mean "${word}"?` : ''
}

/**
 * Of a union, finds the branch that the value was meant for: one whose shape fits. What is wrong inside that
 * branch is reported; only when no branch fits is it said what may stand there.
 */
function flattenUnion(
  branches: readonly (readonly Issue[])[],
  path: ConfigPath,
  found: unknown,
): ConfigProblem[] {
  const fitting = branches.filter((issues) => !issues.some((issue) => isMisshapen(issue, found)))
  if (fitting.length === 0) return [errorAt(path, typeMessage(branches.flat(), found))]
  const best = fitting.reduce((a, b) => (weight(b) < weight(a) ? b : a))
  return best.flatMap((issue) => flatten(issue, path, found))
}

function weight(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0)
}

/** Is the value of another kind than the branch expects? */
function isMisshapen(issue: Issue, found: unknown): boolean {
  if (issue.path.length > 0) return false
  if (issue.code === 'invalid_value') return true
  if (issue.code === 'invalid_union') {
    return issue.errors.every((branch) => branch.some((inner) => isMisshapen(inner, found)))
  }
  return issue.code === 'invalid_type' && !(issue.expected === 'int' && typeof found === 'number')
}

const kindNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function typeMessage(issues: readonly Issue[], found: unknown): string {
  const kinds: string[] = []
  const values: string[] = []
  collect(issues, kinds, values)
  const expected = [...new Set([...values.map((value) => JSON.stringify(value)), ...kinds])]
  if (found === undefined) return `it is missing; ${listed(expected)} is expected`
  const wrong = typeof found === 'string' ? found : ''
  const truth = expected.includes('true or false') ? booleanWords.get(wrong.toLowerCase()) : undefined
  const meant =
    wrong === ''
      ? ''
      : truth === undefined
        ? didYouMean(
            wrong,
            values.filter((value) => typeof value === 'string'),
          )
        : `; write ${truth}`
  return `${listed(expected)} is expected, not ${describe(found)}${meant}`
}

function collect(issues: readonly Issue[], kinds: string[], values: string[]): void {
  for (const issue of issues) {
    if (issue.code === 'invalid_type') kinds.push(kindNames[issue.expected] ?? issue.expected)
    else if (issue.code === 'invalid_value') values.push(...(issue.values as string[]))
    else if (issue.code === 'invalid_union') collect(issue.errors.flat(), kinds, values)
    else kinds.push(issue.message)
  }
}

function listed(words: readonly string[]): string {
  const [first = 'something else'] = words
  if (words.length < 2) return first
  const each = words.flatMap((word) => (word === kindNames['boolean'] ? ['true', 'false'] : [word]))
  return `${each.slice(0, -1).join(', ')} or ${each.at(-1) ?? ''}`
}

function describe(value: unknown): string {
  if (value === null) return 'nothing (null)'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'function') return 'a function'
  const text = JSON.stringify(value) ?? 'that'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

export function valueAt(input: unknown, path: ConfigPath): unknown {
  let value = input
  for (const key of path) {
    if (value === null || typeof value !== 'object') return undefined
    value = (value as Record<string | number, unknown>)[key]
  }
  return value
}
