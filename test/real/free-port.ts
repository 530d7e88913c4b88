/**
 * Ports for programs that cannot say which one the system gave them. They lie below those that the system gives out (32768 and
 * up), so that between now and the program's start nobody gets one by chance, however many tests run at the same time.
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const [portMin, portMax] = [12_000, 32_000]

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(portMin, portMax)
    if (await isFree(port)) return port
  }
}
