/**
 * Which keys may stand at a place of the config. They are read from the JSON Schema, which is made once, when the
 * first mistake needs it.
 */
import { z } from 'zod'
import { configSchema } from './document.ts'

export interface SchemaNode {
  readonly title?: string
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: SchemaNode | boolean
  readonly propertyNames?: SchemaNode
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

let schema: SchemaNode | null = null

/** The JSON Schema of what people write. */
export function configJsonSchema(): SchemaNode {
  schema ??= withExamples(z.toJSONSchema(configSchema, { io: 'input' })) as SchemaNode
  return schema
}

/**
 * The schemas call their examples `samples`: zod takes examples for values of the output, and leaves those of a schema
 * that transforms its input out.
 */
function withExamples(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withExamples)
  if (node === null || typeof node !== 'object') return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key === 'samples' ? 'examples' : key, withExamples(value)]),
  )
}

/** A node and, where it is a choice, all that may be chosen. */
function choices(node: SchemaNode): SchemaNode[] {
  return node.anyOf === undefined ? [node] : node.anyOf.flatMap(choices)
}

function below(node: SchemaNode, key: string | number): SchemaNode[] {
  const next =
    typeof key === 'number'
      ? node.items
      : node.properties !== undefined && Object.hasOwn(node.properties, key)
        ? node.properties[key]
        : node.additionalProperties
  return next === undefined || typeof next === 'boolean' ? [] : choices(next)
}

export function knownKeys(path: readonly (string | number)[]): string[] {
  let nodes = choices(configJsonSchema())
  for (const key of path) nodes = nodes.flatMap((node) => below(node, key))
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))]
}

/** Where a key may stand, the nearest to the top first: '' (the top), 'cache', 'origins.NAME'. */
export function placesOf(key: string): string[] {
  const places = new Map<string, number>()
  const look = (node: SchemaNode, at: string, depth: number): void => {
    for (const { properties = {}, additionalProperties, items } of choices(node)) {
      if (Object.hasOwn(properties, key) && !places.has(at)) places.set(at, depth)
      for (const [name, next] of Object.entries(properties))
        look(next, at === '' ? name : `${at}.${name}`, depth + 1)
      if (typeof additionalProperties === 'object') look(additionalProperties, `${at}.NAME`, depth + 1)
      if (items !== undefined) look(items, `${at}[]`, depth + 1)
    }
  }
  look(configJsonSchema(), '', 0)
  return [...places].sort(([, a], [, b]) => a - b).map(([place]) => place)
}
