/**
 * Schemas of durations, sizes, counts and networks, of which the other schemas are made. `title` names the type in
 * the docs.
 */
import { z } from 'zod'
import { Networks } from '../guard/networks.ts'
import {
  durationMsMax,
  durationText,
  lifetimeMsMax,
  readDuration,
  readSize,
  sizeText,
  type Reading,
} from './units.ts'

function quantity(title: string, read: (value: string | number) => Reading) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const reading = read(value)
      if (typeof reading === 'number') return reading
      context.addIssue({ code: 'custom', message: reading })
      return z.NEVER
    })
    .meta({ title })
}

/** Milliseconds between `minMs` and `maxMs`, written '5s'. */
export function duration(minMs = 0, maxMs = durationMsMax) {
  return quantity('duration', (value) => {
    const ms = readDuration(value)
    if (typeof ms === 'string') return ms
    if (ms < minMs) return `${durationText(ms)} is too short: at least ${durationText(minMs)}`
    return ms > maxMs ? `${durationText(ms)} is too long: at most ${durationText(maxMs)}` : ms
  })
}

/** Milliseconds that something is kept, written '30d'. Up to ten years. */
export function lifetime() {
  return quantity('duration', (value) => readDuration(value, lifetimeMsMax))
}

/** Bytes between `min` and `max`, written '64KiB'. */
export function size(min = 0, max = Number.MAX_SAFE_INTEGER) {
  return quantity('size', (value) => {
    const bytes = readSize(value)
    if (typeof bytes === 'string') return bytes
    if (bytes < min) return `${sizeText(bytes)} is too small: at least ${sizeText(min)}`
    return bytes > max ? `${sizeText(bytes)} is too large: at most ${sizeText(max)}` : bytes
  })
}

/** Bytes, or no bound. */
export function sizeOrUnlimited() {
  return quantity('size or "unlimited"', (value) => {
    if (value === 'unlimited') return Infinity
    const bytes = readSize(value)
    return typeof bytes === 'string' ? `${bytes}, or "unlimited"` : bytes
  })
}

/** A whole number between the two. */
export function count(min: number, max: number): z.ZodInt {
  return z.int('a whole number is expected').min(min, `at least ${min}`).max(max, `at most ${max}`)
}

/** One network or several, as a list of texts that `Networks` takes. */
export function networks() {
  const network = z.string().superRefine((text, context) => {
    const problem = new Networks().add(text)
    if (problem !== '') context.addIssue({ code: 'custom', message: problem })
  })
  return z
    .union([network.transform((text) => [text]), z.array(network)])
    .meta({ title: 'network or list of networks' })
}

export function networksOf(texts: readonly string[]): Networks {
  const set = new Networks()
  for (const text of texts) set.add(text)
  return set
}
