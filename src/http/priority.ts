/**
 * Priorities (RFC 9218): urgency 0 to 7, where smaller comes sooner, and whether an answer is useful in parts
 * (incremental).
 */

export const urgencyDefault = 3
export const urgencyMax = 7

/** Urgency in the lower three bits; above them whether it is incremental. */
export type Priority = number
export const priorityDefault: Priority = urgencyDefault
export const INCREMENTAL = 8

/**
 * Reads a Priority field's value: a dictionary of structured fields, of which `u` and `i` count. What is not understood
 * counts as not said, as RFC 9218 §4 wants: priorities are hints.
 */
export function readPriority(value: string): Priority {
  let priority = priorityDefault
  for (const member of value.split(',')) {
    const text = (member.split(';')[0] as string).trim()
    if (/^u=[0-7]$/.test(text)) priority = (priority & INCREMENTAL) | (text.charCodeAt(2) - 0x30)
    else if (text === 'i' || text === 'i=?1') priority |= INCREMENTAL
    else if (text === 'i=?0') priority &= ~INCREMENTAL
  }
  return priority
}
