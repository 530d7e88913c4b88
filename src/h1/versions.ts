/** Versions of HTTP in start lines (RFC 9112 §2.3): exactly 'HTTP/', a digit, a point, a digit, in capitals. */
import { HTTP_1_0, HTTP_1_1 } from '../http/message.ts'

/** It is a version, but of no HTTP/1. */
export const VERSION_OTHER = -1
/** It is none. */
export const VERSION_NONE = -2

/** HTTP_1_0, HTTP_1_1 (which stands for higher minor versions too, RFC 9110 §2.5), or one of the above. */
export function versionOf(text: string): number {
  if (!/^HTTP\/\d\.\d$/.test(text)) return VERSION_NONE
  if (text[5] !== '1') return VERSION_OTHER
  return text[7] === '0' ? HTTP_1_0 : HTTP_1_1
}

/** Do the eight bytes at `at` say 'HTTP/1.1'? The walk asks this first. */
export function isHttp11At(buffer: Buffer, at: number): boolean {
  return (
    buffer[at + 7] === 0x31 &&
    buffer[at + 6] === 0x2e &&
    buffer[at + 5] === 0x31 &&
    buffer[at + 4] === 0x2f &&
    buffer[at + 3] === 0x50 &&
    buffer[at + 2] === 0x54 &&
    buffer[at + 1] === 0x54 &&
    buffer[at] === 0x48
  )
}
