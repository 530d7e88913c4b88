/**
 * H1Dial: makes HTTP/1.1 connections to origins. (One of them: client-connection.ts.)
 */
import type { ConnectionOwner, Dial, DialTarget } from '../http/dial.ts'
import { H1ClientConnection, type H1ClientContext } from './client-connection.ts'

export { H1ClientConnection, type H1ClientContext } from './client-connection.ts'

export class H1Dial implements Dial {
  readonly #context: H1ClientContext

  constructor(context: H1ClientContext) {
    this.#context = context
  }

  dial(target: DialTarget, owner: ConnectionOwner): H1ClientConnection {
    return new H1ClientConnection(target, owner, this.#context)
  }
}
