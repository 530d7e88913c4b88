/**
 * How HTTP/2 begins, as an HTTP/1 server sees it where both are spoken on one port (RFC 9113 §3.3, §3.4).
 *
 * The preface was designed so that an HTTP/1 reader that does not know it stops at the version; so looking for it
 * there costs HTTP/1 nothing. A wrong preface is told from a wrong request by its content: a first line of three
 * words, the second of which is no form of target (RFC 9112 §3.2) and the third no version of HTTP, comes from a
 * client that could not read a 400. Every other wrong line gets one.
 */
import { Faults, type Fault } from '../core/faults.ts'

const prefaceLine = 'PRI * HTTP/2.0\r\n'
const strangeLine = /^[!-~]+ [^ /*:]+ (?!HTTP\/)[!-~]+\r\n/i
/** A preface has 24 bytes: who means to write one does not write many more. */
const strangeLineBytesMax = 64

/** Are the first bytes of a connection, refused for `fault`, those of HTTP/2? The rest of a preface is the other server's to check. */
export function opensHttp2(buffer: Buffer, start: number, end: number, fault: Fault): boolean {
  if (fault === Faults.VERSION_NOT_SERVED) {
    for (let i = 0; i < prefaceLine.length; i++)
      if (buffer[start + i] !== prefaceLine.charCodeAt(i)) return false
    return true
  }
  if (fault !== Faults.VERSION_BAD) return false
  return strangeLine.test(buffer.toString('latin1', start, Math.min(end, start + strangeLineBytesMax)))
}
