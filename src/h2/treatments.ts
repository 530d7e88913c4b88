/**
 * What the encoder does with a field, by its name (RFC 7541 §7.1): most may enter the table at once, some change with
 * each message, and credentials never enter it.
 */
import { Field } from '../http/known-fields.ts'
import { Pseudo, nameCount } from './static-table.ts'

/** The first value enters the table. */
export const PLAIN = 0
/** Differs with nearly every message: only what comes twice running enters the table. */
export const CHANGING = 1
/** Never enters it, nor anybody's behind us: who shares a connection could guess at it (RFC 7541 §7.1.3). */
export const SECRET = 2

/** By the number of a name. */
export const treatments: Uint8Array = new Uint8Array(nameCount)

for (const number of [
  Pseudo.PATH,
  Field.AGE,
  Field.CONTENT_LENGTH,
  Field.CONTENT_RANGE,
  Field.ETAG,
  Field.EXPIRES,
  Field.FORWARDED,
  Field.IF_MATCH,
  Field.IF_MODIFIED_SINCE,
  Field.IF_NONE_MATCH,
  Field.IF_RANGE,
  Field.IF_UNMODIFIED_SINCE,
  Field.LAST_MODIFIED,
  Field.LOCATION,
  Field.RANGE,
  Field.REFERER,
  Field.X_FORWARDED_FOR,
  Field.X_REAL_IP,
  Field.X_REQUEST_ID,
])
  treatments[number] = CHANGING

for (const number of [
  Field.AUTHORIZATION,
  Field.COOKIE,
  Field.PROXY_AUTHENTICATION_INFO,
  Field.PROXY_AUTHORIZATION,
  Field.SET_COOKIE,
])
  treatments[number] = SECRET

const soundsSecret = /auth|cookie|credential|csrf|xsrf|jwt|key|pass|secret|session|signature|token/

/** Of a name that has no number. */
export function strangerTreatment(lowerName: string): number {
  return soundsSecret.test(lowerName) ? SECRET : PLAIN
}
