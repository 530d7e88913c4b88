/**
 * Our own answers to what went wrong: small, in the form that the client asked for, and naming no origin. (gRPC has a
 * form of its own: grpc-answer.ts.)
 *
 * Promises: an operator's page for the status wins over ours; nothing in an answer comes from the request except its
 * id, which is one of ours or was checked; no cache may keep it.
 */
import { Faults, faultRow, type Fault, type FaultRow } from '../core/faults.ts'
import type { Exchange } from '../http/exchange.ts'
import { Field } from '../http/known-fields.ts'
import { reasonPhrase } from '../http/reasons.ts'
import { fillGrpcAnswer, isGrpcCall } from './grpc-answer.ts'
import type { ErrorPages } from './plan.ts'

/** When to try again, in seconds: a restart is over in one, maintenance in minutes. */
const retryAfter: ReadonlyMap<Fault, string> = new Map([
  [Faults.DRAINING, '1'],
  [Faults.TOO_MANY_CONNECTIONS, '1'],
  [Faults.ORIGIN_FULL, '1'],
  [Faults.MAINTENANCE, '120'],
])

/** What our 405 lists as allowed (RFC 9110 §15.5.6): all but TRACE and CONNECT. */
const allowedMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

export interface ErrorAnswerOptions {
  readonly errorPages: ErrorPages
  /** Our name in Proxy-Status (RFC 9209); '' sends none, since the field tells the world about the inside. */
  readonly proxyStatusName: string
}

/** Fills `x.response` for `fault` and gives the body. `x.response` must be clean; the fault's status must not be 0. */
export function fillErrorAnswer(x: Exchange, fault: Fault, options: ErrorAnswerOptions): Buffer {
  const row = faultRow(fault)
  const { response } = x
  const fields = response.fields
  if (isGrpcCall(x)) {
    fillGrpcAnswer(x, row)
    addProxyStatus(x, row, options)
    return nothing
  }
  response.status = row.status
  const page = options.errorPages.find(row.status)
  const form = page === null ? formFor(x.request.fields.combined(Field.ACCEPT)) : null
  fields.addKnown(Field.CONTENT_TYPE, page?.contentType ?? (form as Form).contentType)
  fields.addKnown(Field.CACHE_CONTROL, 'no-store')
  if (row.status === 405) fields.add('allow', allowedMethods)
  const seconds = retryAfter.get(fault)
  if (seconds !== undefined) fields.addKnown(Field.RETRY_AFTER, seconds)
  addProxyStatus(x, row, options)
  const body = page?.body ?? Buffer.from((form as Form).render(row.status, row.sentence, x.requestId))
  response.bodyLength = response.statedLength = body.length
  return body
}

const nothing = Buffer.alloc(0)

function addProxyStatus(x: Exchange, row: FaultRow, { proxyStatusName }: ErrorAnswerOptions): void {
  if (proxyStatusName === '') return
  x.response.fields.addKnown(Field.PROXY_STATUS, `${proxyStatusName}; error=${row.proxyStatus}`)
}

interface Form {
  readonly contentType: string
  render(status: number, sentence: string, requestId: string): string
}

const html: Form = {
  contentType: 'text/html; charset=utf-8',
  render(status, sentence, requestId) {
    const title = `${status} ${reasonPhrase(status)}`.trim()
    const id = requestId === '' ? '' : `\n<p><small>Request ${escapeHtml(requestId)}</small></p>`
    return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem }
h1 { font-size: 1.5rem } small { opacity: .6 }
</style>
<h1>${title}</h1>
<p>${escapeHtml(sentence)}</p>${id}
</html>
`
  },
}

/** Problem details (RFC 9457). */
const problem: Form = {
  contentType: 'application/problem+json',
  render(status, sentence, requestId) {
    const title = reasonPhrase(status)
    return JSON.stringify({ type: 'about:blank', title, status, detail: sentence, requestId }) + '\n'
  },
}

const text: Form = {
  contentType: 'text/plain; charset=utf-8',
  render(status, sentence, requestId) {
    const id = requestId === '' ? '' : `Request ${requestId}\n`
    return `${status} ${reasonPhrase(status)}\n${sentence}\n${id}`
  },
}

/** HTML to those that name it, problem details to those that name JSON first, text to all others. */
function formFor(accept: string | undefined): Form {
  if (accept === undefined) return text
  const lower = accept.toLowerCase()
  const htmlAt = lower.search(/text\/html|application\/xhtml\+xml/)
  const jsonAt = lower.search(/[/+]json/)
  if (jsonAt >= 0 && (htmlAt < 0 || jsonAt < htmlAt)) return problem
  return htmlAt >= 0 ? html : text
}

export function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
