/**
 * The names of listeners in a plan: a name is the address, by which a reload recognises a socket. Port 0 means a new
 * port each time, so several listeners may be written alike: the second is '127.0.0.1:0#2'.
 *
 * Promises: no two have the same name. Of those with port 0, each that was open and has not changed keeps its name,
 * and hence its socket, whatever was added or removed beside it; then one that has changed takes the place of one
 * that is gone.
 */
import type { ListenerPlan } from '../engine/plan.ts'

/** `open`: those that are open now, under their names. */
export function nameListeners(
  written: readonly ListenerPlan[],
  open: readonly ListenerPlan[],
): readonly ListenerPlan[] {
  const names: (string | undefined)[] = []
  const left = new Set(open.filter(isAnyPort))
  const takeEach = (fits: (open: ListenerPlan, listener: ListenerPlan) => boolean): void => {
    for (const [i, listener] of written.entries()) {
      if (names[i] !== undefined || !isAnyPort(listener)) continue
      const found = [...left].find((each) => each.host === listener.host && fits(each, listener))
      if (found === undefined) continue
      left.delete(found)
      names[i] = found.name
    }
  }
  takeEach((each, listener) => textOf(each) === textOf(listener))
  takeEach((each, listener) => (each.tls == null) === (listener.tls == null))
  takeEach(() => true)
  const taken = new Set(names)
  return written.map((listener, i) => {
    const name = names[i] ?? (isAnyPort(listener) ? freeName(listener.name, taken) : listener.name)
    taken.add(name)
    return { ...listener, name }
  })
}

function isAnyPort({ port, path }: ListenerPlan): boolean {
  return port === 0 && path === ''
}

/** Everything about a listener but its name, as text. */
function textOf(listener: ListenerPlan): string {
  return JSON.stringify({ ...listener, name: '' })
}

function freeName(address: string, taken: ReadonlySet<string | undefined>): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? address : `${address}#${n}`
    if (!taken.has(name)) return name
  }
}
