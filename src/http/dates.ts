/**
 * HTTP-date (RFC 9110 §5.6.7): the three forms that a recipient must read, and the one that is sent.
 *
 * Only exactly these forms are read. A cache that guesses at "Thu, 18 Aug 2050 02:01:18 UTC" keeps an answer for
 * decades when its origin meant something else. Only the case of letters is ignored.
 */

const MONTHS = 'janfebmaraprmayjunjulaugsepoctnovdec'
const WEEKDAYS = 'sunmontuewedthufrisat'
const LONG_WEEKDAYS = new Set(['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'])
const SP = 0x20
const HYPHEN = 0x2d
const COLON = 0x3a

/** A two-digit year that seems farther ahead than this is in the past (RFC 9110 §5.6.7). */
const aheadYearsMax = 50

/**
 * Milliseconds since 1970 of an HTTP-date, NaN when `text` is none. `wallMs` is the time by the wall, which the two-digit
 * year of the RFC 850 form is read by.
 */
export function readDate(text: string, wallMs: number): number {
  // 'Sun, 06 Nov 1994 08:49:37 GMT': all but the oldest senders.
  if (text.length === 29 && text.charCodeAt(3) === 0x2c) return readFixed(text)
  // 'Sun Nov  6 08:49:37 1994'
  if (text.length === 24) return readAsctime(text)
  // 'Sunday, 06-Nov-94 08:49:37 GMT'
  const comma = text.indexOf(',')
  return comma >= 6 && comma <= 9 ? readRfc850(text, comma, wallMs) : NaN
}

function readFixed(text: string): number {
  if (!isWeekday(text) || text.charCodeAt(4) !== SP || text.charCodeAt(7) !== SP) return NaN
  if (text.charCodeAt(11) !== SP || text.charCodeAt(16) !== SP || !isGmt(text, 25)) return NaN
  const year = digitsAt(text, 12) * 100 + digitsAt(text, 14)
  return timeOf(year, monthAt(text, 8), digitsAt(text, 5), text, 17)
}

function readAsctime(text: string): number {
  if (!isWeekday(text) || text.charCodeAt(3) !== SP || text.charCodeAt(7) !== SP) return NaN
  if (text.charCodeAt(10) !== SP || text.charCodeAt(19) !== SP) return NaN
  const day = text.charCodeAt(8) === SP ? digitAt(text, 9) : digitsAt(text, 8)
  const year = digitsAt(text, 20) * 100 + digitsAt(text, 22)
  return timeOf(year, monthAt(text, 4), day, text, 11)
}

function readRfc850(text: string, comma: number, wallMs: number): number {
  if (text.length !== comma + 24 || !LONG_WEEKDAYS.has(text.slice(0, comma).toLowerCase())) return NaN
  const at = comma + 2
  if (text.charCodeAt(at - 1) !== SP || text.charCodeAt(at + 2) !== HYPHEN) return NaN
  if (text.charCodeAt(at + 6) !== HYPHEN || text.charCodeAt(at + 9) !== SP || !isGmt(text, at + 18))
    return NaN
  const thisYear = new Date(wallMs).getUTCFullYear()
  let year = thisYear - (thisYear % 100) + digitsAt(text, at + 7)
  if (year > thisYear + aheadYearsMax) year -= 100
  else if (year <= thisYear - aheadYearsMax) year += 100
  return timeOf(year, monthAt(text, at + 3), digitsAt(text, at), text, at + 10)
}

/** NaN in any part makes the whole NaN. `at` is where hh:mm:ss begins. */
function timeOf(year: number, month: number, day: number, text: string, at: number): number {
  if (text.charCodeAt(at + 2) !== COLON || text.charCodeAt(at + 5) !== COLON) return NaN
  const hour = digitsAt(text, at)
  const minute = digitsAt(text, at + 3)
  const second = digitsAt(text, at + 6)
  // 60 is a leap second, which we take for the first second of the next minute.
  if (!(month >= 0) || !(day >= 1) || !(hour <= 23) || !(minute <= 59) || !(second <= 60)) return NaN
  // Leap years come again every 400 years, and Date.UTC reads years below 100 as of the last century.
  if (day > new Date(Date.UTC(2000 + (year % 400), month + 1, 0)).getUTCDate()) return NaN
  if (year >= 100) return Date.UTC(year, month, day, hour, minute, second)
  return new Date(0).setUTCFullYear(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1000
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 0x30
  return digit >= 0 && digit <= 9 ? digit : NaN
}

function digitsAt(text: string, at: number): number {
  return digitAt(text, at) * 10 + digitAt(text, at + 1)
}

/** 0 to 11, negative for none. */
function monthAt(text: string, at: number): number {
  const place = MONTHS.indexOf(text.slice(at, at + 3).toLowerCase())
  return place % 3 === 0 ? place / 3 : -1
}

function isWeekday(text: string): boolean {
  return WEEKDAYS.indexOf(text.slice(0, 3).toLowerCase()) % 3 === 0
}

function isGmt(text: string, at: number): boolean {
  return text.slice(at).toLowerCase() === ' gmt'
}

/** The HTTP-date of a time, to the second. */
export function dateText(wallMs: number): string {
  return new Date(wallMs).toUTCString()
}
