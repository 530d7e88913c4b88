/**
 * The column of HTTP/3 of the matrix: the cases that hold everywhere, by ngtcp2's client those that the package's own client cannot
 * show, and what the package does instead of what it cannot do.
 */
import { test } from 'node:test'
import { needs } from '../programs.ts'
import { lacks } from './http3-edge.ts'
import { cases } from './matrix-cases.ts'
import { testColumn } from './matrix-column.ts'
import { casesInstead, stalledUpload } from './matrix-h3-cases.ts'

const skip = lacks || needs('gtlsclient')

if (skip !== false) test('a client of H3', { skip }, () => {})
else
  testColumn('H3 TLS', (origin) => {
    const { [stalledUpload]: _, ...common } = cases
    const all = { ...common, ...casesInstead }
    // What is held is so much that one origin must do; real/http3-operation has one of HTTP/1.
    if (origin !== 'H2 TLS') delete all[stalledUpload]
    return all
  })
