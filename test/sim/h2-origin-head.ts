/** What the head of a request must be at an origin that speaks HTTP/2. */
import type { Record } from './script.ts'
import type { World } from './world.ts'

export function checkHead(world: World, fields: Map<string, string>, { script }: Record): void {
  const { id } = script
  const wanted = [
    [':method', script.method],
    [':path', `/x/${id}`],
    [':scheme', 'http'],
    [':authority', 'sim.example'],
    ['x-kept', `kept-${id}`],
  ] as const
  for (const [name, value] of wanted)
    if (fields.get(name) !== value) world.fail(`origin got ${name} ${fields.get(name)}, not ${value} (${id})`)
  for (const name of ['via', 'x-forwarded-for'])
    if (!fields.has(name)) world.fail(`${name} is missing at the origin (${id})`)
  for (const name of ['x-hop', 'connection', 'transfer-encoding', 'host', 'keep-alive'])
    if (fields.has(name)) world.fail(`${name} reached the origin (${id})`)
}
