/**
 * What tells one config from another: its hash, by which workers agree before they swap, and the name by which a
 * deployment recognises its own requests.
 */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { ConfigDocument, RouteDocument } from './document.ts'
import type { ErrorPageSet } from './error-pages.ts'

/** sha256 of the normalised config and of the files that it pulls in: equal for two spellings of one config. */
export function hashOf(document: ConfigDocument, pages: ErrorPageSet, files: Iterable<string>): string {
  const hash = createHash('sha256').update(textOf(document))
  for (const content of pages.contents()) hash.update(`\0${content.length}\0`).update(content)
  for (const content of files) hash.update(`\0${content.length}\0`).update(content)
  return hash.digest('hex')
}

/** JSON knows no Infinity. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (item === Infinity ? 'Infinity' : item))
}

/**
 * The zone of a route whose cache names none: it is made from the origin, and from what the route changes in
 * requests before they get there. Two routes that ask the origin for different things under one URL must not
 * share answers, and a route that is the same after a reload must find its own again.
 */
export function zoneOf(route: RouteDocument): string {
  const { origin = '', rewrite, headers } = route
  if (rewrite === undefined && headers?.request === undefined) return origin
  const text = textOf([rewrite ?? null, headers?.request ?? null])
  return origin + '~' + createHash('sha256').update(text).digest('hex').slice(0, 10)
}

/**
 * May its rewrite make different targets from one URL, as by a cookie? Query parameters count, since the key of
 * a cache may leave them out.
 */
export function looksBeyondUrl({ rewrite }: RouteDocument): boolean {
  return rewrite !== undefined && /\{(?!(?:path|uri|host|scheme)\b)[a-z]/.test(textOf(rewrite))
}

/**
 * Our name in Via and CDN-Loop. It is the same in all workers and after a restart, so that a loop is noticed;
 * and it differs for another machine, port or set of origins, so that one Headgate behind another is not taken
 * for a loop.
 */
export function viaNameOf(document: ConfigDocument): string {
  const { listeners, origins, sites } = document
  const text = [hostname(), textOf(listeners), textOf(origins), textOf(sites)].join('\0')
  return 'headgate-' + createHash('sha256').update(text).digest('hex').slice(0, 10)
}
