/**
 * Signals, with the meanings that operators know from other servers. USR1 is caught and ignored: Node would start its
 * debugger on it.
 */
export interface SignalActions {
  /** TERM, INT, QUIT: the first drains, the second stops at once. */
  onEnd(): void
  /** HUP. */
  onReload(): void
  /** USR2. */
  onReopen(): void
}

/** Installs the handlers; the function returned takes them away. */
export function onSignals(actions: SignalActions): () => void {
  const end = (): void => actions.onEnd()
  const handlers: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ['SIGTERM', end],
    ['SIGINT', end],
    ['SIGQUIT', end],
    ['SIGHUP', () => actions.onReload()],
    ['SIGUSR2', () => actions.onReopen()],
    ['SIGUSR1', () => {}],
  ]
  for (const [signal, handler] of handlers) process.on(signal, handler)
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler)
  }
}
