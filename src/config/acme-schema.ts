/** The schema of `tls.acme`: certificates that are obtained and renewed automatically. */
import { z } from 'zod'
import { challengeTypes } from '../tls/acme/challenge.ts'
import { keyKinds } from '../tls/keys.ts'
import { isSubjectName } from '../tls/subject-names.ts'
import { dnsSchema } from './dns-schema.ts'
import { count } from './quantities.ts'

/** Directories that have a name here. */
export const directories: Readonly<Record<string, string>> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
  zerossl: 'https://acme.zerossl.com/v2/DV90',
  google: 'https://dv.acme-v02.api.pki.goog/directory',
}

const directory = z.string().transform((text, context) => {
  const known = directories[text]
  if (known !== undefined) return known
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  const names = Object.keys(directories).join('", "')
  context.addIssue({ code: 'custom', message: `"${text}" is no directory: a URL, or one of "${names}"` })
  return z.NEVER
})

const email = z.email('an address is expected, such as "admin@example.com"')

const eab = z.strictObject({
  kid: z.string().min(1, 'the key id is missing').meta({ description: 'Key id, as the CA gave it.' }),
  hmacKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]+=*$/, 'a key in base64url is expected')
    .meta({ description: 'MAC key in base64url, as the CA gave it.' }),
})

const allowed = z
  .string()
  .transform((name) => name.toLowerCase())
  .refine((name) => isSubjectName(name), 'a host name is expected, or "*." before one')

const onDemand = z
  .strictObject({
    ask: z
      .url({
        protocol: /^https?$/,
        error: 'a URL is expected, such as "http://127.0.0.1:3000/may-have-certificate"',
      })
      .optional()
      .meta({
        description: 'Asked with `?domain=NAME` before a name gets its first certificate; 200 is a yes.',
        samples: ['http://127.0.0.1:3000/may-have-certificate'],
      }),
    allow: z
      .array(allowed)
      .default([])
      .meta({
        description: 'Names that need not be asked about; `*.` stands for one label.',
        samples: [['*.customers.example.com']],
      }),
    perHour: count(1, 100_000)
      .default(100)
      .meta({ description: 'New names in an hour at most: limits of the CA are not spent by strangers.' }),
    namesMax: count(1, 1_000_000)
      .default(10_000)
      .meta({ description: 'Names kept in memory; who was not asked for longest goes.' }),
  })
  .refine(
    ({ ask, allow }) => ask !== undefined || allow.length > 0,
    'without "ask" or "allow" anybody could have certificates made for any name',
  )

const whole = z.strictObject({
  email: email.optional().meta({
    description: 'Where the CA writes to when something is wrong. Kept by the CA with your account.',
    samples: ['admin@example.com'],
  }),
  directory: directory.prefault('letsencrypt').meta({
    description: `URL of the CA's directory, or one of ${Object.keys(directories)
      .map((name) => `\`${name}\``)
      .join(
        ', ',
      )}. \`staging\` is Let's Encrypt's for trying out: its limits are wide, and no browser trusts it.`,
  }),
  eab: eab.optional().meta({
    description: 'External account binding (RFC 8555 §7.3.4), where the CA wants one.',
  }),
  caFile: z
    .string()
    .min(1, 'the name of the file is missing')
    .optional()
    .meta({ description: "PEM of roots that the CA's own HTTPS is trusted by, for a CA of your own." }),
  challenges: z
    .array(z.enum(challengeTypes))
    .min(1, 'at least one kind of challenge is needed')
    .optional()
    .meta({
      description:
        'How the CA sees that a name is ours, the first to be tried first. Left out: http-01 where a listener is ' +
        'plain, tls-alpn-01, and dns-01 where `dns` is there.',
      samples: [['tls-alpn-01']],
    }),
  dns: dnsSchema.optional().meta({ description: 'Answers dns-01, which wildcards need.' }),
  key: z.enum(keyKinds).default('p256').meta({ description: 'Kind of the keys of certificates.' }),
  profile: z
    .string()
    .default('')
    .meta({
      description: 'Profile of the CA, such as `shortlived`; left out, it chooses.',
      samples: ['shortlived'],
    }),
  preferredChain: z
    .string()
    .default('')
    .meta({ description: 'Common name of an issuer: of several chains the one with it is taken.' }),
  onDemand: onDemand.optional().meta({
    description: 'Certificates for names that no site names, had while the first handshake waits.',
  }),
})

export const acmeSchema = z.union([email.transform((email) => whole.parse({ email })), whole]).meta({
  description:
    'Certificates for the hosts of `sites`, had from a CA by ACME (RFC 8555) and renewed. As text: the email. To ' +
    'set it says that you agree to the terms of service of that CA.',
  samples: ['admin@example.com', { email: 'admin@example.com', directory: 'staging' }],
})

export type AcmeDocument = z.output<typeof acmeSchema>
