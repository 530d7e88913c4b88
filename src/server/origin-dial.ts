/** OriginDial: connections to origins, in whatever protocol their servers speak. */
import { H1Dial, type H1ClientContext } from '../h1/client.ts'
import { H2Dial } from '../h2/client.ts'
import type { ConnectionOwner, Dial, DialTarget, OriginConnection, Sounding } from '../http/dial.ts'
import { NegotiatedConnection } from './negotiated-connection.ts'

export class OriginDial implements Dial {
  readonly #h1: H1Dial
  readonly #h2: H2Dial

  readonly #context: H1ClientContext

  constructor(context: H1ClientContext) {
    this.#context = context
    this.#h1 = new H1Dial(context)
    this.#h2 = new H2Dial(context)
  }

  dial(target: DialTarget, owner: ConnectionOwner): OriginConnection {
    if (target.protocol === 'http/1.1') return this.#h1.dial(target, owner)
    if (target.protocol === 'h2') return this.#h2.dial(target, owner)
    return new NegotiatedConnection(target, owner, this.#context, this.#h1, this.#h2)
  }

  sound(target: DialTarget, onOver: (waitedMs: number) => void): Sounding {
    return this.#h1.sound(target, onOver)
  }
}
