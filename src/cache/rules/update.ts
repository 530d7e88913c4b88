/**
 * Bringing a stored answer up to date (RFC 9111 §3.2, §4.3): what is asked of the origin, which stored answer a 304
 * is about, and what it changes.
 */
import { isSameStrongly, isSameWeakly } from '../../http/conditional.ts'
import { dateText, readDate } from '../../http/dates.ts'
import type { Fields } from '../../http/fields.ts'
import { Field } from '../../http/known-fields.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import type { CachePolicy } from './policy.ts'
import type { Received, StoredRule } from './rule.ts'
import { isUnstorable, keepStoredFields, mayKeep } from './storing.ts'
import type { StoreReason } from './storing-reasons.ts'

/** Makes a request that was stripped of its own conditions ask whether the stored answer is still right (§4.3.1). */
export function addValidators(request: RequestHead, rule: StoredRule, stored: FieldsView): void {
  if (rule.etag !== '') request.fields.setKnown(Field.IF_NONE_MATCH, rule.etag)
  // As it was received: origins compare texts.
  const modified = rule.lastModifiedMs < 0 ? undefined : stored.get(Field.LAST_MODIFIED)
  if (modified !== undefined) request.fields.setKnown(Field.IF_MODIFIED_SINCE, modified)
}

/**
 * Is the stored answer, whose validators were asked for, the one that this 304 speaks of (§4.3.4)? If not, it updates
 * nothing, and the origin must be asked again without conditions. A 304 without any validator speaks of the only answer
 * that was asked about.
 */
export function isUpdatedBy(rule: StoredRule, notModified: ResponseHead, wallMs: number): boolean {
  const { fields } = notModified
  const etag = fields.get(Field.ETAG)
  if (etag !== undefined)
    return etag.startsWith('W/') ? isSameWeakly(etag, rule.etag) : isSameStrongly(etag, rule.etag)
  const modified = fields.get(Field.LAST_MODIFIED)
  if (modified === undefined || rule.lastModifiedMs < 0) return true
  return readDate(modified, wallMs) === rule.lastModifiedMs
}

/**
 * Brings a copy of the stored head up to date with a 304, or with a 200 to HEAD, and judges it anew. Positive: `stored` is
 * the new head and `into` the new rule. Negative: the answer may be served this once; whether the entry stays, says
 * `keepsStored`.
 */
export function freshen(
  request: RequestHead,
  stored: ResponseHead,
  update: ResponseHead,
  policy: CachePolicy,
  received: Received,
  into: StoredRule,
): StoreReason {
  replaceFields(stored.fields, update.fields, policy)
  // A new message has a new date, though it does not say so (RFC 9110 §6.6.1); the stored one would make it old at once.
  const date = update.fields.get(Field.DATE)
  if (date === undefined || Number.isNaN(readDate(date, received.responseWallMs))) {
    stored.fields.setKnown(Field.DATE, dateText(received.responseWallMs))
  }
  const age = update.fields.get(Field.AGE)
  if (age === undefined) stored.fields.removeKnown(Field.AGE)
  else stored.fields.setKnown(Field.AGE, age)
  const reason = mayKeep(request, stored, policy, received, into)
  keepStoredFields(stored.fields, policy)
  return reason
}

/** Fields of the body that is stored: it does not change with a 304, so neither do they (§3.2). */
const bodyFields: ReadonlySet<number> = new Set([Field.CONTENT_ENCODING, Field.CONTENT_RANGE])

/** §3.2: every field of the update takes the place of all stored ones of its name. */
function replaceFields(stored: Fields, update: FieldsView, policy: CachePolicy): void {
  for (let i = 0; i < update.size; i++) {
    if (update.isLive(i) && isReplacing(update.idAt(i), policy)) stored.remove(update.nameAt(i).toLowerCase())
  }
  for (let i = 0; i < update.size; i++) {
    if (update.isLive(i) && isReplacing(update.idAt(i), policy))
      stored.add(update.nameAt(i), update.valueAt(i))
  }
}

function isReplacing(id: number, policy: CachePolicy): boolean {
  // The cookie is for whoever caused the validation; it neither stays nor costs the entry.
  if (id === Field.SET_COOKIE && policy.cookies !== 'keep') return false
  return !isUnstorable(id) && !bodyFields.has(id)
}
