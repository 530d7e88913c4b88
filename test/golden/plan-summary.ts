/** A plan in lines that people can compare. */
import type { Plan } from '../../src/engine/plan.ts'
import type { Exchange, RouteInfo } from '../../src/http/exchange.ts'
import { defaultExchangeLimits, defaultLimits } from '../../src/http/limits.ts'
import { defaultTuning } from '../../src/origin/options.ts'
import { ask } from '../unit/engine/asked.ts'

export function summaryOf(plan: Plan): string {
  const lines = [`listens on ${plan.listeners.map(({ name }) => name).join(', ')}`]
  for (const { name, options } of plan.origins.values()) {
    const servers = options.servers.map(({ url, weight }) =>
      weight === 1 ? url : `${url} (weight ${weight})`,
    )
    lines.push(
      `origin ${name}: ${servers.join(', ')}${changes(options, { ...defaultTuning, name, servers: options.servers })}`,
    )
  }
  for (const route of plan.routes) lines.push(...routeLines(route))
  const bounds = changes(plan.clientLimits, defaultLimits)
  if (bounds !== '') lines.push(`bounds${bounds}`)
  const { forwarding, log, admin, workers, drainMs, maintenance } = plan
  const sends = [
    forwarding.sendXForwarded ? 'X-Forwarded-*' : '',
    forwarding.sendForwarded ? 'Forwarded' : '',
  ]
  sends.push(forwarding.sendVia ? 'Via' : '', forwarding.requestIdField)
  lines.push(`origins are sent ${sends.filter((text) => text !== '').join(', ')}`)
  const { cache } = plan
  if (cache !== undefined && cache !== null)
    lines.push(
      `cache of ${cache.bytesMax} bytes, entries up to ${cache.entryBytesMax || 'an eighth'}, ${cache.whenDeserted}`,
    )
  if (forwarding.sendProxyStatus) lines.push('clients are told Proxy-Status')
  lines.push(
    `log ${String(log.access)} to ${log.accessPath || 'stdout'}, ${log.level} to ${log.errorPath || 'stderr'}`,
  )
  lines.push(`admin ${admin.listen || 'none'}; workers ${workers || 'auto'}; drain ${drainMs} ms`)
  if (maintenance !== 0) lines.push('maintenance')
  return lines.join('\n') + '\n'
}

function routeLines(route: RouteInfo): string[] {
  const lines = [`route ${route.name}${changes(route.limits, defaultExchangeLimits)}`]
  for (const handler of route.handlers) {
    const said: string[] = []
    handler.explain?.(exampleExchange(route), (sentence) => said.push(sentence))
    // Which server is first is drawn by lot, and what it is sent holds a request id.
    const kept = handler.name === 'origin' ? [said[0]?.split(',')[0], said[1]] : said
    lines.push(`  ${handler.name}: ${kept.join('; ')}`)
  }
  return lines
}

/** GET /a/b/c?q=1 with $1 = 'one' and $2 = 'two'. */
function exampleExchange(route: RouteInfo): Exchange {
  const { x } = ask('/a/b/c?q=1', { fields: ['Cookie: user=joe'] })
  x.route = route
  x.captures.push('one', 'two')
  x.captureNames.push('name', '')
  return x
}

/** What differs from the defaults. */
function changes(found: object, defaults: object): string {
  const before = defaults as Record<string, unknown>
  const changed = Object.entries(found).filter(([key, value]) => value !== before[key])
  return changed.length === 0
    ? ''
    : `, ${changed.map(([key, value]) => `${key} ${String(value)}`).join(', ')}`
}
