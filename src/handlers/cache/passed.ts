/** Passed: which requests bypass the cache, and why, as a word for Cache-Status. */
import type { ForwardedStatus } from '../../cache/rules/cache-status.ts'
import { Reasons, type Reason } from '../../cache/rules/reasons.ts'
import { hasOriginPreconditions } from '../../http/conditional.ts'
import type { Exchange } from '../../http/exchange.ts'
import { BODY_NONE } from '../../http/message.ts'
import type { Bypass } from './bypass.ts'

/** On an exchange that was passed by: why, in a word for Cache-Status. */
export class Passed {
  readonly reason: Reason
  readonly detail: string

  constructor(reason: Reason, detail: string) {
    this.reason = reason
    this.detail = detail
  }
}

export const passedMethod: Passed = new Passed(Reasons.METHOD, '')
export const passedConfig: Passed = new Passed(Reasons.BYPASS, '')
export const passedBody: Passed = new Passed(Reasons.BYPASS, 'body')
export const passedUpgrade: Passed = new Passed(Reasons.BYPASS, 'upgrade')
export const passedCondition: Passed = new Passed(Reasons.BYPASS, 'condition')
export const passedSeldom: Passed = new Passed(Reasons.BYPASS, 'min-uses')

/** null: the cache may be asked. */
export function passedBy(x: Exchange, bypass: Bypass | null): Passed | null {
  const { request } = x
  if (request.method !== 'GET' && request.method !== 'HEAD') return passedMethod
  if (request.upgrade !== '') return passedUpgrade
  // What is sent along may matter to the origin, and is no part of the key (RFC 9110 §9.3.1).
  if (request.bodyLength !== BODY_NONE) return passedBody
  if (hasOriginPreconditions(request)) return passedCondition
  return bypass !== null && bypass.why(x) !== '' ? passedConfig : null
}

/** What Cache-Status says of an answer to a request that went to the origin by itself. */
export const notStored: ForwardedStatus = { status: 0, isStored: false, isCollapsed: false }
export const stored: ForwardedStatus = { ...notStored, isStored: true }
