/**
 * A simulated origin that speaks HTTP/2: several requests at once on each connection, answered as the script of each says. It
 * refuses streams unseen, says GOAWAY at any time and counts which streams it looked at, plays with its windows, splits its header
 * blocks, falls silent as a whole, and holds the edge to the rules: its bounds, its windows, no stream under GOAWAY.
 */
import { H2OriginConnection } from './h2-origin-connection.ts'
import type { Record } from './script.ts'
import type { SimOriginSocket, SimTransport } from './wire.ts'
import type { World } from './world.ts'

export interface H2OriginHabits {
  /** Nothing goes wrong: what is refused is so once, and could be sent again. */
  readonly isCalm: boolean
  /** A connection without a request is closed after this long. */
  readonly idleMs: number
  readonly slowMsMax: number
  readonly streamsMax: number
  readonly windowBytes: number
  /** How often a stream is refused, a connection says GOAWAY out of nothing, or falls silent. */
  readonly refusals: number
}

/** In calm weather the edge must have the whole request still. */
const repeatableBytesMax = 1000

export class H2OriginActor implements SimOriginSocket {
  readonly world: World
  readonly records: Map<number, Record>
  readonly habits: H2OriginHabits
  /** Connections that came, and those of them that were in use when it said GOAWAY. */
  connections = 0
  left = 0
  /** Requests that were refused unseen already, by any server. */
  readonly refused: Set<number>

  constructor(world: World, records: Map<number, Record>, habits: H2OriginHabits, refused: Set<number>) {
    this.world = world
    this.records = records
    this.habits = habits
    this.refused = refused
  }

  accept(transport: SimTransport): void {
    this.connections++
    transport.events = new H2OriginConnection(this, transport)
  }

  /** May this request be refused, so that it can still be answered? */
  mayRefuse({ script }: Record): boolean {
    if (!this.habits.isCalm) return true
    return !this.refused.has(script.id) && script.requestBytes <= repeatableBytesMax && !script.expect
  }
}
