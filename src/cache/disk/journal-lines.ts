/**
 * The lines of the journal of purges: `checksum JSON`. Each begins with a line feed, so that the remains of a broken
 * write spoil no other line.
 *
 * Kinds of line: a purge; `end`: nothing that follows in this file counts, and another file continues it; `swept`:
 * all files have been compared with the marks up to a position.
 */
import { crc32 } from 'node:zlib'
import type { PurgeTarget } from '../store/purge-request.ts'

export interface PurgeLine {
  readonly kind: 'purge'
  readonly target: PurgeTarget
  readonly isSoft: boolean
  /** `PurgeRequest.id`; '' for none. */
  readonly id: string
  /** Who wrote it, and its number among that writer's lines. */
  readonly writer: string
  readonly number: number
  /** Its position, if it was copied from an earlier file; 0: the position where it is. */
  readonly at: number
}

export type JournalLine =
  | PurgeLine
  | { readonly kind: 'end' }
  | { readonly kind: 'swept'; readonly at: number }

export function writeLine(line: JournalLine): string {
  const text = JSON.stringify(line)
  return '\n' + checkOf(text) + ' ' + text + '\n'
}

function checkOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

export interface ReadLine {
  readonly line: JournalLine
  /** The offset behind it. */
  readonly end: number
}

export interface ReadLines {
  readonly lines: readonly ReadLine[]
  readonly end: number
  /** How many lines are not ours, or are damaged. */
  readonly damaged: number
}

/**
 * The lines in `bytes`, which begin at `offset` of the file; damaged ones are skipped. `end` is the offset
 * behind the last whole line, from which to read on.
 */
export function readLines(bytes: Buffer, offset: number): ReadLines {
  const lines: ReadLine[] = []
  let at = 0
  let damaged = 0
  for (let next = bytes.indexOf(0x0a); next >= 0; next = bytes.indexOf(0x0a, at)) {
    const isEmpty = next === at
    const line = isEmpty ? null : readOne(bytes.toString('utf8', at, next))
    at = next + 1
    if (line !== null) lines.push({ line, end: offset + at })
    else if (!isEmpty) damaged++
  }
  return { lines, end: offset + at, damaged }
}

function readOne(text: string): JournalLine | null {
  const json = text.slice(9)
  if (text.slice(0, 8) !== checkOf(json)) return null
  return JSON.parse(json) as JournalLine
}
