/** The schema of `tcp` of a listener: where its connections are passed on to, unread. */
import { z } from 'zod'
import { parseServerUrl } from '../origin/server-url.ts'
import { isOriginName } from './route-schema.ts'

/** '*', 'mail.example.com' or '*.example.com'. */
function namePatternProblem(pattern: string): string {
  if (pattern === '*') return ''
  const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern
  return /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i.test(name)
    ? ''
    : `"${pattern}" is not a server name such as mail.example.com, *.example.com or "*" for everybody else`
}

/** What is wrong with the address of a server to which bytes are passed on; '' when nothing is. */
export function passedOnProblem(url: string): string {
  const parsed = parseServerUrl(url)
  if (typeof parsed === 'string') return parsed
  if (parsed.path !== '') return ''
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url))
    return `"${url}": bytes are passed on as they are, whatever they speak: write the address without a scheme`
  return /:\d+$/.test(url) ? '' : `"${url}" needs a port`
}

const origin = z
  .string()
  .superRefine((text, context) => {
    const problem = isOriginName(text) ? '' : passedOnProblem(text)
    if (problem !== '') context.addIssue({ code: 'custom', message: problem })
  })
  .meta({ title: 'origin' })

export const tcpSchema = z
  .union([
    origin.transform((name): Record<string, string> => ({ '*': name })),
    z
      .record(
        z.string().superRefine((pattern, context) => {
          const problem = namePatternProblem(pattern)
          if (problem !== '') context.addIssue({ code: 'custom', message: problem })
        }),
        origin,
      )
      .refine((routes) => Object.keys(routes).length > 0, 'at least one server name is needed'),
  ])
  .optional()
  .meta({
    description:
      'Connections are passed on to an origin unread, whatever they speak: its name, or the address of a server. As an ' +
      'object: TLS by the name that the client asks for, without decrypting it; `"*"` takes everybody else, without it ' +
      'they are served as HTTP by this listener.',
    samples: ['database', { 'mail.example.com': 'mail', '*.db.example.com': '10.0.0.7:5432' }],
  })
