/**
 * Alt-Svc (RFC 7838): tells clients of HTTP/1 and HTTP/2 over TLS that HTTP/3 is available too. It is sent only for
 * hosts for which HTTP/3 has a certificate, since a client must be shown one for the host that it asks for (§2.1).
 */
import { Field } from '../http/known-fields.ts'
import { HTTP_3 } from '../http/message.ts'
import type { QuicSecurity } from '../tls/quic-security.ts'
import type { AltSvc, Plan } from './plan.ts'

/** How long a client may remember it: a day, as is usual. */
const maxAgeSeconds = 86_400

const httpsPort = 443

/** Returns null when no listener serves HTTP/3. */
export function altSvcOf({ tls, listeners }: Pick<Plan, 'tls' | 'listeners'>): AltSvc | null {
  const quic = tls?.quic ?? null
  if (quic === null || quic.size === 0) return null
  /** By port; 0 stands for a port that the system chooses. */
  const byPort = new Map<number, QuicSecurity>()
  for (const { name, port } of listeners) {
    const security = quic.get(name)
    if (security !== undefined) byPort.set(port, security)
  }
  return {
    tell(x) {
      const { down, request, response } = x
      // Behind a proxy that announces clients, UDP would not reach us.
      if (!down.encrypted || request.version >= HTTP_3 || (down.relayAddress ?? '') !== '') return
      const security = byPort.get(down.localPort) ?? byPort.get(0)
      if (security === undefined || !security.covers(request.host)) return
      // The port at which the client arrived: where it was mapped to another one on the way, ours would mean
      // nothing.
      const port = request.port === -1 ? httpsPort : request.port
      response.fields.setKnown(Field.ALT_SVC, `h3=":${port}"; ma=${maxAgeSeconds}`)
    },
  }
}
