/** TurnedAway: a connection that is refused and closed at once, for as long as closing takes. */
import type { ServerConnection } from '../http/serving.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'

export class TurnedAway implements ServerConnection, TransportEvents {
  readonly isIdle = true
  readonly #home: { onClosed(connection: ServerConnection): void }

  constructor(transport: Transport, home: { onClosed(connection: ServerConnection): void }) {
    this.#home = home
    transport.events = this
    transport.destroy()
  }

  drain(): void {}
  destroy(): void {}
  onBytes(): void {}
  onDrain(): void {}
  onEnd(): void {}
  onClose(): void {
    this.#home.onClosed(this)
  }
}
