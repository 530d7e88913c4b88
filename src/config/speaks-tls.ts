/** Does a config need TLS at all? Only then does the process choose how it speaks it (net/tls-mode.ts). */
import type { ConfigDocument } from './document.ts'

/** With clients, or with servers: those of origins, and those that routes name by their address. */
export function speaksTls({ listeners, origins, sites }: ConfigDocument): boolean {
  const urls = [
    ...Object.values(origins).flatMap(({ servers }) => servers.map(({ url }) => url)),
    ...Object.values(sites).flatMap((routes) => routes.map(({ origin = '' }) => origin)),
  ]
  return (
    listeners.some((listener) => listener.tls != null) ||
    urls.some((url) => url.toLowerCase().startsWith('https:'))
  )
}
