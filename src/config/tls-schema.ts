/**
 * The schemas of `tls`: certificates, versions, and who must present one; at the top, of a listener, and towards the
 * servers of an origin.
 */
import { z } from 'zod'
import type { ListenerTls } from '../engine/plan.ts'
import type { TlsVersion } from '../net/tls-versions.ts'
import { acmeSchema } from './acme-schema.ts'
import { count, duration } from './quantities.ts'
import { hostProblem, hostsOf } from './host-names.ts'

const pem = z.string().min(1, 'a file or PEM is expected').meta({ title: 'file or PEM' })

const certificate = z.strictObject({
  cert: pem.meta({
    description: 'The certificate, then those that lead to its authority: a file, or PEM itself.',
    samples: ['./tls/example.com.crt'],
  }),
  key: pem.meta({
    description: 'Its private key, not encrypted: a file, or PEM itself.',
    samples: ['./tls/example.com.key'],
  }),
})

const certificates = z.array(certificate).meta({
  description:
    'Each is shown to clients that ask for one of its names (SNI); the first also to those that ask for none. Two for the ' +
    'same names, one ECDSA and one RSA, stand side by side.',
  samples: [[{ cert: './tls/example.com.crt', key: './tls/example.com.key' }]],
})

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']

const minVersion = z.enum(versions as [TlsVersion, ...TlsVersion[]])

const host = z.string().superRefine((text, context) => {
  const problem = hostProblem(text)
  if (problem !== '') context.addIssue({ code: 'custom', message: problem })
})

const clientAuthEntry = z.strictObject({
  ca: pem.meta({
    description: 'Authorities that sign certificates of clients.',
    samples: ['./tls/clients-ca.crt'],
  }),
  mode: z.enum(['require', 'optional']).default('require').meta({
    description: '`optional`: who has none is served all the same; one that is wrong never is.',
  }),
  hosts: z
    .union([
      host.transform((one) => hostsOf(one)),
      z.array(host).transform((list) => list.flatMap((one) => hostsOf(one))),
    ])
    .default([])
    .meta({
      title: 'host or list of hosts',
      description: 'Only who asks for one of these names (SNI) is asked; left out: everybody.',
      samples: ['admin.example.com'],
    }),
})

const clientAuth = z.union([clientAuthEntry.transform((one) => [one]), z.array(clientAuthEntry)]).meta({
  description:
    'Client certificates (mutual TLS). The origin is told of one in Client-Cert and Client-Cert-Chain (RFC 9440). A request ' +
    'for a host with other rules than those of its connection is answered 421.',
  samples: [{ ca: './tls/clients-ca.crt', hosts: 'admin.example.com' }],
})

const handshakeMsDefault = '10s'

export const tlsSchema = z
  .strictObject({
    certificates: certificates.default([]),
    acme: acmeSchema.optional(),
    storage: z
      .string()
      .min(1, 'the folder is missing')
      .optional()
      .meta({
        description:
          'Folder of certificates that are made by themselves, with their keys and accounts. Left out: ' +
          "`$STATE_DIRECTORY`, which systemd sets; as root `/var/lib/headgate`; else `headgate` in the user's folder of data.",
        samples: ['/var/lib/headgate'],
      }),
    minVersion: minVersion.default('TLSv1.2').meta({
      description: 'The oldest version that is spoken with clients.',
    }),
    clientAuth: clientAuth.default([]),
    handshakeTimeout: duration(100).prefault(handshakeMsDefault).meta({
      description: 'From the connection to the end of the handshake.',
    }),
    handshakesMax: count(1, 1_000_000)
      .default(4096)
      .meta({
        description:
          'Handshakes of one worker under way at a time; further connections are closed. 4096: at some thousand a second a worker ' +
          'works off as many within a second or two.',
      }),
    ocsp: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Whether the authority of a certificate is asked by OCSP that it is not revoked, so that handshakes show the answer ' +
          '(stapling). Where the certificate names no responder nobody is asked.',
      }),
    ticketRotation: duration(0)
      .prefault('12h')
      .meta({
        description:
          'How often the key of session tickets is replaced, in all workers. Tickets of the old key are worth nothing then: each ' +
          'client that comes back makes one full handshake. 0: sessions are not resumed.',
      }),
  })
  .prefault({})
  .meta({ description: 'TLS of all listeners with `tls`.' })

export const listenerTlsSchema = z
  .union([
    z.boolean().transform((on): ListenerTls | null => (on ? {} : null)),
    z.strictObject({
      certificates: certificates.optional().meta({ description: 'Instead of those at the top.' }),
      minVersion: minVersion.optional().meta({ description: 'Instead of that at the top.' }),
      clientAuth: clientAuth.optional().meta({ description: 'Instead of that at the top.' }),
    }),
  ])
  .meta({
    description: 'Speak TLS: with what `tls` at the top says, or with what differs here.',
    samples: [true],
  })

export const originTlsSchema = z.strictObject({
  ca: pem.optional().meta({
    description: 'Authorities of the servers, instead of the public ones.',
    samples: ['./tls/internal-ca.crt'],
  }),
  serverName: z
    .string()
    .optional()
    .meta({
      description:
        'Asked for (SNI), and what the certificate must be for; left out: the host of each server.',
      samples: ['app.internal'],
    }),
  certificate: certificate.optional().meta({ description: 'Ours, for servers that ask for one.' }),
  verify: z.boolean().default(true).meta({
    description: '`false` takes any certificate: whoever is on the way can be the server.',
  }),
  minVersion: minVersion.default('TLSv1.2').meta({ description: 'The oldest version that is spoken.' }),
})

export type OriginTlsDocument = z.output<typeof originTlsSchema>
export type CertificateDocument = z.output<typeof certificate>
export type ClientAuthDocument = z.output<typeof clientAuthEntry>
