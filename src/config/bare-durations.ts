/**
 * Warns of durations that are bare numbers. They are milliseconds here and seconds in other programs: a deadline of
 * 60 ms would cut everybody off, and an answer that is fresh for 3600 ms is hardly cached.
 */
import { valueAt, type ConfigPath } from './problem.ts'
import { durationText } from './units.ts'
import { isObject, routesOf } from './written.ts'

/** For something that waits: from this number on, milliseconds are plausible. */
const waitMsPlausible = 1000
/** For something that is kept: HTTP fields give it in seconds, and even years in seconds are plausible numbers. */
const keptMsPlausible = Infinity

export function checkBareDurations(input: unknown, tell: (path: ConfigPath, message: string) => void): void {
  for (const [path, plausible] of placesOf(input)) {
    const value = valueAt(input, path)
    if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0 || value >= plausible) continue
    tell(
      path,
      `${value} are milliseconds; write "${value}s" if seconds are meant, else "${durationText(value)}"`,
    )
  }
}

type Place = readonly [path: ConfigPath, plausibleMs: number]

function* placesOf(input: unknown): Generator<Place> {
  yield* timeoutsAt(input, [])
  yield* each([], ['drainTimeout'], waitMsPlausible)
  yield* each(['tls'], ['handshakeTimeout', 'ticketRotation'], waitMsPlausible)
  yield* each(['abuse'], ['window', 'ban', 'banMax'], waitMsPlausible)
  yield [['https', 'hsts'], keptMsPlausible]
  yield [['https', 'hsts', 'maxAge'], keptMsPlausible]
  const origins = valueAt(input, ['origins'])
  for (const name of isObject(origins) ? Object.keys(origins) : []) {
    const path = ['origins', name]
    yield* timeoutsAt(input, path)
    yield* each(path, ['keepAlive', 'connectionAgeMax', 'wait'], waitMsPlausible)
    yield* each([...path, 'resolve'], ['ttlMin', 'ttlMax'], waitMsPlausible)
  }
  for (const [path, route] of routesOf(input)) {
    yield* timeoutsAt(input, path)
    const cache = [...path, 'cache']
    yield* each(cache, ['grace', 'errorGrace', 'keep', 'ttl'], keptMsPlausible)
    yield [[...cache, 'ttl', 'ttl'], keptMsPlausible]
    const rules = valueAt(route, ['cache', 'ttl'])
    for (const i of Array.isArray(rules) ? rules.keys() : [])
      yield [[...cache, 'ttl', i, 'ttl'], keptMsPlausible]
  }
}

function* timeoutsAt(input: unknown, path: ConfigPath): Generator<Place> {
  const timeouts = valueAt(input, [...path, 'timeouts'])
  yield* each([...path, 'timeouts'], isObject(timeouts) ? Object.keys(timeouts) : [], waitMsPlausible)
}

function* each(path: ConfigPath, keys: readonly string[], plausibleMs: number): Generator<Place> {
  for (const key of keys) yield [[...path, key], plausibleMs]
}
