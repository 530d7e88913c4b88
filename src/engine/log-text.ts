/**
 * The pieces of log lines: escaping, times, redacted values. All of them are ASCII, so a line is as long in bytes as
 * in characters, and none lets a peer end a line, a quoted string or a JSON value.
 *
 * Text from the wire is latin1: one character is one byte. Text from the config may hold any character, and is shown
 * as its UTF-8 bytes (combined) or as a JSON escape.
 */

// oxlint-disable-next-line no-control-regex -- that is what is searched for
const plainUnsafe = /[^\x20\x21\x23-\x5b\x5d-\x7e]/
const jsonUnsafe = plainUnsafe

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'))

/**
 * For the combined form: control characters, quotes, backslashes and what is not ASCII become \xNN; '' becomes
 * '-'.
 */
export function plainText(text: string): string {
  if (text === '') return '-'
  return plainUnsafe.test(text) ? escapePlain(text) : text
}

function escapePlain(text: string): string {
  let out = ''
  for (const character of text) {
    const code = character.codePointAt(0) as number
    if (code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c) out += character
    else if (code < 0x100) out += '\\x' + hex[code]
    else for (const byte of Buffer.from(character)) out += '\\x' + hex[byte]
  }
  return out
}

/** For JSON strings, without the quotes: what is not printable ASCII becomes \uNNNN. */
export function jsonText(text: string): string {
  return jsonUnsafe.test(text) ? escapeJson(text) : text
}

function escapeJson(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22 || code === 0x5c) out += '\\' + text[i]
    else if (code >= 0x20 && code < 0x7f) out += text[i]
    else out += '\\u' + code.toString(16).padStart(4, '0')
  }
  return out
}

/**
 * Cuts `text` so that it has at most `length` characters once escaped, whatever they are: one may take up to
 * six (JSON; \xNN of UTF-8).
 */
export function cutText(text: string, length: number): string {
  if (text.length * 6 <= length) return text
  if (text.length <= length && !plainUnsafe.test(text)) return text
  const kept = text.slice(0, length)
  return plainUnsafe.test(kept) ? text.slice(0, Math.floor(length / 6)) : kept
}

const thousandths = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'))

/**
 * Milliseconds with three decimals; '-' below 0. Numbers are put together from whole ones, because `toFixed` costs
 * 150 ns and a line has three of them.
 */
export function msText(ms: number): string {
  if (ms < 0) return '-'
  const micros = Math.round(ms * 1000)
  const whole = Math.floor(micros / 1000)
  return whole + '.' + thousandths[micros - whole * 1000]
}

/** Seconds with six decimals, as a JSON number. */
export function secondsText(ms: number): string {
  const micros = Math.max(0, Math.round(ms * 1000))
  const whole = Math.floor(micros / 1_000_000)
  const rest = micros - whole * 1_000_000
  const high = Math.floor(rest / 1000)
  return whole + '.' + thousandths[high] + thousandths[rest - high * 1000]
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (n: number): string => String(n).padStart(2, '0')

/** '10/Oct/2026:13:55:36 +0200', local time as in every log of this form. */
export function combinedTime(wallMs: number): string {
  const date = new Date(wallMs)
  const minutes = -date.getTimezoneOffset()
  const zone =
    (minutes < 0 ? '-' : '+') + two(Math.floor(Math.abs(minutes) / 60)) + two(Math.abs(minutes) % 60)
  const day = two(date.getDate()) + '/' + months[date.getMonth()] + '/' + date.getFullYear()
  const time = two(date.getHours()) + ':' + two(date.getMinutes()) + ':' + two(date.getSeconds())
  return day + ':' + time + ' ' + zone
}
