/** Placeholder of `createOrigin` while the room is being built. */
import type { Origin } from './origin.ts'
import type { OriginContext, OriginOptions } from './options.ts'

/** Throws when a server's URL or a weight is wrong: config checks them first, so that is a bug of ours. */
export function createOrigin(options: OriginOptions, context: OriginContext): Origin {
  throw new Error(`not built yet: ${options.name} ${typeof context}`)
}
