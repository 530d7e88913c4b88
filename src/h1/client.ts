/** H1Dial: makes HTTP/1.1 connections to origins (client-connection.ts is one of them). */
import type { ConnectionOwner, Dial, DialTarget, Sounding } from '../http/dial.ts'
import type { Transport } from '../net/transport.ts'
import { H1ClientConnection, type H1ClientContext } from './client-connection.ts'
import { BareSounding } from '../http/sounding.ts'

export { H1ClientConnection, type H1ClientContext } from './client-connection.ts'

export class H1Dial implements Dial {
  readonly #context: H1ClientContext

  constructor(context: H1ClientContext) {
    this.#context = context
  }

  sound(target: DialTarget, onOver: (waitedMs: number) => void): Sounding {
    const { connector, timers } = this.#context
    return new BareSounding(target, connector, timers.clock, onOver)
  }

  /** Goes on with a transport that is connected; `begin` tells the owner. */
  adopt(
    transport: Transport,
    target: DialTarget,
    owner: ConnectionOwner,
    dialedAtMs: number,
  ): H1ClientConnection {
    return new H1ClientConnection(target, owner, this.#context, transport, dialedAtMs)
  }

  dial(target: DialTarget, owner: ConnectionOwner): H1ClientConnection {
    return new H1ClientConnection(target, owner, this.#context)
  }
}
