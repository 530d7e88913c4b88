/** The schema of `tls.acme.dns`: who puts the records of dns-01 into the DNS. */
import { isIP } from 'node:net'
import { z } from 'zod'
import type { DnsServerAddress } from '../tls/acme/dns/exchange.ts'
import { nameBytes } from '../tls/acme/dns/message.ts'
import { tsigAlgorithms } from '../tls/acme/dns/tsig.ts'
import { duration } from './quantities.ts'

const command = z.union([
  z
    .string()
    .min(1, 'the program is missing')
    .transform((program) => [program]),
  z.array(z.string()).min(1, 'the program is missing'),
])

const dnsPort = 53

/** Reads 'host', 'host:port', or an IPv6 address with or without brackets; null when it is none of these. */
export function readDnsServer(text: string): DnsServerAddress | null {
  if (isIP(text) !== 0) return { host: text, port: dnsPort }
  const match = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text)
  const [, host = '', port = String(dnsPort)] = match ?? []
  const bare = host.replace(/^\[|\]$/g, '')
  const isHost = host.startsWith('[') ? isIP(bare) === 6 : isIP(bare) === 4 || isName(bare)
  if (!isHost || Number(port) === 0 || Number(port) > 65_535) return null
  return { host: bare, port: Number(port) }
}

/** Is it a DNS name? Only digits and dots would be a malformed address. */
function isName(text: string): boolean {
  if (!/^[A-Za-z0-9_.-]+$/.test(text) || /^[\d.]+$/.test(text)) return false
  try {
    return nameBytes(text).length > 1
  } catch {
    return false
  }
}

const name = z
  .string()
  .refine(isName, 'a name of the DNS is expected, such as "example.com"')
  .transform((text) => text.toLowerCase().replace(/\.$/, ''))

const server = z.string().transform((text, context): DnsServerAddress => {
  const read = readDnsServer(text)
  if (read !== null) return read
  const message = `"${text}" is no DNS server: a name or an address is expected, such as "ns1.example.com" or "10.0.0.53:5353"`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** It is plain data: workers get a copy of it, and its text is compared. */
const writtenKey = z.strictObject({
  name: name.meta({ description: 'Name of the key, the same as on the server.' }),
  algorithm: z.enum(tsigAlgorithms).default('hmac-sha256').meta({ description: 'How it signs.' }),
  secret: z
    .string()
    .regex(/^[A-Za-z0-9+/]{2,}={0,2}$/, 'a secret in base64 is expected')
    .meta({ description: 'In base64, as `tsig-keygen` writes it.' }),
})

const update = z.strictObject({
  server: server.meta({
    description: 'The primary server of the zone, with its port if that is not 53.',
    samples: ['ns1.example.com', '10.0.0.53:5353'],
  }),
  key: z.union([z.string().min(1, 'the name of the file is missing'), writtenKey]).meta({
    description:
      'TSIG key (RFC 8945) that the server lets change TXT records: the file that `tsig-keygen` has written, or the key itself.',
    samples: [
      '/etc/headgate/update.key',
      { name: 'headgate', secret: 'c2VjcmV0IG9mIDMyIGJ5dGVzLCBhdCBsZWFzdC4uLg==' },
    ],
  }),
  zone: name.optional().meta({
    description: 'The zone to update; left out, the server is asked which one a name is in.',
    samples: ['example.com'],
  }),
})

export const dnsSchema = z
  .strictObject({
    exec: command.optional().meta({
      description:
        'A program, or a list of it and its first arguments. It is called with `present NAME VALUE` to put a TXT record ' +
        'into the DNS and with `cleanup NAME VALUE` to take it out; NAME is like `_acme-challenge.example.com.`.',
      samples: ['/etc/headgate/dns-hook'],
    }),
    update: update.optional().meta({
      description:
        'Instead of a program: dynamic updates (RFC 2136) of a server such as BIND, Knot or PowerDNS.',
    }),
    wait: duration(0, 10 * 60_000)
      .prefault('10s')
      .meta({
        description:
          'From the end of the program, or of the update, until the CA is told to look: other servers of the zone take time to follow.',
      }),
  })
  .refine(
    ({ exec, update }) => (exec === undefined) !== (update === undefined),
    'either "exec", a program, or "update", a DNS server, is needed',
  )

export type DnsDocument = z.output<typeof dnsSchema>
