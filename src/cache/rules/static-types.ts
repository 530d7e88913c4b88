/**
 * Static answers: those that may be taken to be for everybody, in smart mode, when the origin says nothing about
 * caching. All three must hold:
 * - the type is one of files and not of pages (pages, JSON and documents are what is made for one user);
 * - it comes from a file, as Last-Modified or the name's extension tells;
 * - the client sent no cookie: what an unknown client got, everybody may get. Images behind a login are static too.
 */
import { Field } from '../../http/known-fields.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import { trimSpace } from '../../http/tokens.ts'

const familyPattern = /^(?:image|font|audio|video)\//
const types: ReadonlySet<string> = new Set([
  'text/css',
  'text/javascript',
  'application/javascript',
  'application/x-javascript',
  'application/wasm',
  'application/font-woff',
  'application/font-woff2',
  'application/vnd.ms-fontobject',
  'application/x-font-ttf',
])
const extensionPattern =
  /\.(?:css|m?js|wasm|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|otf|eot|mp3|m4a|ogg|wav|flac|aac|mp4|m4v|webm|mov|ts|m4s)$/i

export function isStaticType(type: string): boolean {
  return familyPattern.test(type) || types.has(type)
}

export function isStaticAnswer(request: RequestHead, response: ResponseHead): boolean {
  const { fields, status } = response
  if (status !== 200 && status !== 203 && status !== 206) return false
  if (request.fields.has(Field.COOKIE)) return false
  const text = fields.get(Field.CONTENT_TYPE)
  if (text === undefined || !isStaticType(trimSpace(text.split(';', 1)[0] as string).toLowerCase()))
    return false
  return fields.has(Field.LAST_MODIFIED) || extensionPattern.test(request.path)
}
