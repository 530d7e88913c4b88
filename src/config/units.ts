/**
 * Durations and sizes as people write them: '5s', '250ms', '1m', '64KiB', '10MB'. A bare number is milliseconds or
 * bytes. Anything else is refused with a sentence that says what would be right.
 */

const milliseconds: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  // Of 365 days: what Strict-Transport-Security and lifetimes in caches are written in.
  y: 31_536_000_000,
}

const bytes: Record<string, number> = {
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

/** What was read, or the sentence that says why not. */
export type Reading = number | string

/** The longest duration: timers count milliseconds in 32 bits, and nothing at an edge waits for 24 days. */
export const durationMsMax = 2 ** 31 - 1

/** Of what is compared and not waited for: ten years. */
export const lifetimeMsMax = 3650 * 86_400_000

/** '1m30s', '0.5s' or milliseconds → milliseconds. */
export function readDuration(value: string | number, msMax = durationMsMax): Reading {
  const ms = typeof value === 'number' ? value : sumOfParts(value, milliseconds)
  const hint = `write a duration such as "250ms", "5s", "1m" or "2h", or a number of milliseconds`
  if (typeof ms === 'string') return `"${value}" is not a duration: ${ms}; ${hint}`
  if (!Number.isFinite(ms) || ms < 0) return `${value} is not a duration: ${hint}`
  if (ms > msMax) return `"${value}" is too long: at most ${Math.floor(msMax / 86_400_000)} days`
  return Math.round(ms)
}

/** '64KiB', '1.5MB' or bytes → bytes. */
export function readSize(value: string | number): Reading {
  const size = typeof value === 'number' ? value : sumOfParts(value, bytes)
  const hint = `write a size such as "64KiB", "10MB" or a number of bytes`
  if (typeof size === 'string') return `"${value}" is not a size: ${size}; ${hint}`
  if (!Number.isFinite(size) || size < 0) return `${value} is not a size: ${hint}`
  if (!Number.isInteger(size)) return `"${value}" is not a whole number of bytes`
  if (!Number.isSafeInteger(size)) return `"${value}" is too large`
  return size
}

/** Adds up 'number unit' pairs; the units must fall ('1m30s'), so that each text has one reading. */
function sumOfParts(text: string, units: Record<string, number>): Reading {
  const trimmed = text.trim()
  if (/^\d+$/.test(trimmed)) return `the unit is missing (${Object.keys(units).join(', ')})`
  const pair = /(\d+(?:\.\d+)?)\s*([a-zA-Zµ]+)\s*/y
  let sum = 0
  let last = Infinity
  while (pair.lastIndex < trimmed.length) {
    const at = pair.lastIndex
    const match = pair.exec(trimmed)
    if (match === null) return `cannot read "${trimmed.slice(at)}"`
    const unit = Object.hasOwn(units, match[2] as string) ? units[match[2] as string] : undefined
    if (unit === undefined) return `"${match[2]}" is not a unit (${Object.keys(units).join(', ')})`
    if (unit >= last) return 'units go from large to small, each once'
    last = unit
    sum += Number(match[1]) * unit
  }
  return trimmed === '' ? 'it is empty' : Number(sum.toPrecision(15))
}

/** 90_000 → '1m30s': as people would write it. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s'
  let rest = ms
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(rest / (milliseconds[unit] as number))
    if (count > 0) text += count + unit
    rest -= count * (milliseconds[unit] as number)
  }
  return text
}

/** 65_536 → '64KiB'. */
export function sizeText(size: number): string {
  if (size === Infinity) return 'unlimited'
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB', 'TB', 'GB', 'MB', 'kB']) {
    const factor = bytes[unit] as number
    if (size >= factor && size % factor === 0) return size / factor + unit
  }
  return size + 'B'
}
