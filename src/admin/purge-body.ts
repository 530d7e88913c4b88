/**
 * The body of `POST /purge`: what to purge, as JSON. It is read by hand, so that a misspelt key is refused rather
 * than ignored: a purge that silently does less than was meant leaves old answers in force.
 */
import type { PurgeRequest, PurgeTarget } from '../cache/store/store.ts'
import { normalTarget } from '../cache/keys/key.ts'
import { didYouMean } from '../core/nearest.ts'

export interface PurgeOrder {
  readonly requests: readonly PurgeRequest[]
  readonly isSoft: boolean
  readonly isDry: boolean
}

/**
 * How many targets one order may name: enough for the changes of a deployment, few enough for one turn of the
 * event loop.
 */
const targetsMax = 1000

const keys = ['url', 'prefix', 'host', 'tag', 'all', 'site', 'soft', 'dryRun']

/** The order, or the sentence that says what is wrong with it. */
export function readPurgeOrder(text: string): PurgeOrder | string {
  const body = readObject(text)
  if (typeof body === 'string') return body
  for (const key of Object.keys(body))
    if (!keys.includes(key)) return `unknown key "${key}"${didYouMean(key, keys)}`
  const { site, soft = false, dryRun = false, all = false } = body
  if (site !== undefined && typeof site !== 'string')
    return '"site" is a text: the site as the config names it'
  if (typeof soft !== 'boolean' || typeof dryRun !== 'boolean' || typeof all !== 'boolean')
    return '"all", "soft" and "dryRun" are true or false'
  const targets = readTargets(body, site)
  if (typeof targets === 'string') return targets
  if (all) targets.push({ kind: 'all', ...ofSite(site) })
  if (targets.length === 0) return 'nothing is named: "url", "prefix", "host", "tag" or "all" is needed'
  if (targets.length > targetsMax) return `at most ${targetsMax} at a time`
  return {
    requests: targets.map((target) => ({ target, isSoft: soft, isDry: dryRun })),
    isSoft: soft,
    isDry: dryRun,
  }
}

/** The purge's id in the body of `POST /purge/report`; '' when there is none. */
export function readReportId(text: string): string {
  const body = readObject(text)
  return typeof body === 'object' && typeof body['id'] === 'string' ? body['id'] : ''
}

function readObject(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return { ...value }
  } catch {}
  return 'a JSON object is expected, such as {"tag": "product-17"}'
}

function readTargets(body: Record<string, unknown>, site: string | undefined): PurgeTarget[] | string {
  const targets: PurgeTarget[] = []
  for (const kind of ['url', 'prefix', 'host', 'tag'] as const) {
    const written = body[kind] ?? []
    for (const text of Array.isArray(written) ? written : [written]) {
      if (typeof text !== 'string' || text === '') return `"${kind}" is a text or a list of texts`
      const target = readTarget(kind, text, site)
      if (typeof target === 'string') return target
      targets.push(target)
    }
  }
  return targets
}

function ofSite(site: string | undefined): { site?: string } {
  return site === undefined ? {} : { site }
}

function readTarget(
  kind: 'url' | 'prefix' | 'host' | 'tag',
  text: string,
  site: string | undefined,
): PurgeTarget | string {
  // Tags are stored in lower case.
  if (kind === 'tag') return { kind, tag: text.toLowerCase(), ...ofSite(site) }
  if (kind === 'host') {
    const host = readHost(text, '')
    return host === '' ? `"${text}" is not a host, such as www.example.com` : { kind, host, ...ofSite(site) }
  }
  const match = /^(https?):\/\/([^/?#\s]+)([/?][^#\s]*)?(?:#\S*)?$/i.exec(text)
  const host = match === null ? '' : readHost(match[2] as string, (match[1] as string).toLowerCase())
  if (match === null || host === '')
    return `"${text}" is not a URL, such as https://www.example.com/a; "${kind}" wants the whole, with scheme and host`
  const target = (match[3] ?? '/').replaceAll(/[^\x21-\x7e]+/gu, encodeURIComponent)
  return { kind, host, target: normalTarget(target.startsWith('?') ? '/' + target : target), ...ofSite(site) }
}

/** host[:port] as in keys: lower case, without the scheme's default port; '' when it is no host. */
function readHost(text: string, scheme: string): string {
  const url = URL.parse(`${scheme === '' ? 'http' : scheme}://${text}`)
  if (url === null || url.username !== '' || url.pathname !== '/' || url.search !== '') return ''
  return url.host
}
