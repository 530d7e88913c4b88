/** Empties lists that are filled again for each request, without giving up their memory. */

/**
 * Takes everything out of `list`. `list.length = 0` would drop its memory, too, so that the next push allocates: this
 * saves 0.13 µs of the 0.88 µs that engine and proxy step take for a request (bench/micro/proxy-step.ts).
 */
export function empty(list: unknown[]): void {
  while (list.length > 0) list.pop()
}
