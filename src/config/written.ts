/**
 * What was written in a config, before it is known to be right: its listeners, servers and routes, in whichever form,
 * with their places. It keeps one mistake from hiding what else is wrong.
 */
import { readListener } from './listener-schema.ts'
import { valueAt, type ConfigPath } from './problem.ts'

export interface WrittenServer {
  readonly path: ConfigPath
  readonly url: string
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** The listeners that are written, in a list or alone; null for one that cannot be read. */
export function listenersOf(input: unknown): ReturnType<typeof readListener>[] {
  const written = valueAt(input, ['listeners'])
  return (Array.isArray(written) ? written : written === undefined ? [] : [written]).map(readListener)
}

/** The servers of an origin, in whichever form it was written, with their places. */
export function serversOf(origin: unknown, path: ConfigPath): WrittenServer[] {
  if (typeof origin === 'string') return [{ path, url: origin }]
  if (Array.isArray(origin)) return origin.flatMap((each, i) => serversOf(each, [...path, i]))
  if (!isObject(origin)) return []
  const key = typeof origin['url'] === 'string' ? 'url' : 'servers'
  return serversOf(origin[key], [...path, key])
}

export function urlsOf(origin: unknown): string[] {
  return serversOf(origin, []).map(({ url }) => url)
}

/** Every route that was written, in whichever form, with its place. */
export function* routesOf(input: unknown): Generator<[ConfigPath, unknown]> {
  const sites = valueAt(input, ['sites'])
  for (const [host, site] of isObject(sites) ? Object.entries(sites) : []) {
    if (!Array.isArray(site)) yield [['sites', host], site]
    else for (const [i, route] of site.entries()) yield [['sites', host, i], route]
  }
}

export function* textsBelow(value: unknown, path: ConfigPath): Generator<[ConfigPath, string]> {
  if (typeof value === 'string') yield [path, value]
  else if (Array.isArray(value))
    for (const [i, item] of value.entries()) yield* textsBelow(item, [...path, i])
  else if (isObject(value))
    for (const [key, item] of Object.entries(value)) yield* textsBelow(item, [...path, key])
}
