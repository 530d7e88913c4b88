/** Heads and moments for the tests of the policy: an answer arrives at `arrivedMs`, and requests come seconds later. */
import { dateText } from '../../../src/http/dates.ts'
import { RequestHead, ResponseHead } from '../../../src/http/message.ts'
import { smartPolicy, rfcPolicy, type CachePolicy } from '../../../src/cache/rules/policy.ts'
import { reasonRow } from '../../../src/cache/rules/reasons.ts'
import { newRule, type Received, type StoredRule } from '../../../src/cache/rules/rule.ts'
import { mayStore } from '../../../src/cache/rules/storing.ts'
import { storeReasonName } from '../../../src/cache/rules/storing-reasons.ts'
import { judge } from '../../../src/cache/rules/verdict.ts'

/** By the wall. Not at a whole second, as moments are not. */
export const wallMs: number = Date.UTC(2026, 0, 1, 12, 0, 0) + 700
/** By the monotonic clock. */
export const arrivedMs = 5_000_000

/** The HTTP-date of some seconds from now. */
export function at(seconds: number): string {
  return dateText(wallMs + seconds * 1000)
}

/** [name, value] lines; a number as value is a date that many seconds from now. */
export type Lines = readonly (readonly [string, string | number])[]

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly fields?: Lines
}

export function requestOf({ method = 'GET', path = '/page', fields = [] }: Asked = {}): RequestHead {
  const head = new RequestHead()
  head.method = method
  head.host = head.authority = 'www.example.com'
  head.target = head.path = path
  const question = path.indexOf('?')
  head.queryStart = question < 0 ? path.length : question
  for (const [name, value] of fields) head.fields.add(name, textOf(value))
  return head
}

export function answerOf(fields: Lines, status = 200): ResponseHead {
  const head = new ResponseHead()
  head.status = status
  for (const [name, value] of fields) head.fields.add(name, textOf(value))
  return head
}

function textOf(value: string | number): string {
  return typeof value === 'number' ? at(value) : value
}

export interface Stored {
  /** The name of the reason, 'no: ' before a refusal. */
  readonly reason: string
  readonly rule: StoredRule
}

export function received(delaySeconds = 0): Received {
  return { requestMs: arrivedMs - delaySeconds * 1000, responseMs: arrivedMs, responseWallMs: wallMs }
}

export function store(
  answer: ResponseHead,
  policy: CachePolicy = rfcPolicy,
  asked: Asked = {},
  delaySeconds = 0,
): Stored {
  const rule = newRule()
  const reason = mayStore(requestOf(asked), answer, policy, received(delaySeconds), rule)
  return { reason: (reason < 0 ? 'no: ' : '') + storeReasonName(reason), rule }
}

/** The name of the verdict's reason for a request that comes `seconds` after the answer arrived. */
export function judgeAfter(
  seconds: number,
  rule: StoredRule,
  policy: CachePolicy = rfcPolicy,
  fields: Lines = [],
): string {
  return reasonRow(judge(rule, requestOf({ fields }), policy, arrivedMs + seconds * 1000)).name
}

/** What a second request gets `seconds` after the answer to the first arrived: 'fresh', 'stale' … or 'no: …'. */
export function second(
  fields: Lines,
  seconds: number,
  policy: CachePolicy = rfcPolicy,
  status = 200,
): string {
  const { reason, rule } = store(answerOf(fields, status), policy)
  return reason.startsWith('no: ') ? reason : judgeAfter(seconds, rule, policy)
}

export const modes: readonly CachePolicy[] = [rfcPolicy, smartPolicy]
