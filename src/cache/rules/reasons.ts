/**
 * THE table of what the cache does with a request, and why: a reason is a small integer that indexes it. `explain`,
 * Cache-Status (RFC 9211), the access log and the metrics all read this one table, so they cannot contradict each
 * other.
 */

/** What is done with a request. */
export const Verdict = {
  /** Answered from the entry. */
  FRESH: 0,
  /** Answered from the entry, which is validated at the same time. */
  STALE: 1,
  /** To the origin, with the entry's validators where it has any. */
  VALIDATE: 2,
  /** To the origin, without any entry. */
  FORWARD: 3,
  /** 504: only-if-cached, and nothing that may be used (RFC 9111 §5.2.1.7). */
  UNAVAILABLE: 4,
} as const
export type Verdict = (typeof Verdict)[keyof typeof Verdict]

export interface ReasonRow {
  readonly verdict: Verdict
  /** In logs and metrics, and `detail` of Cache-Status. */
  readonly name: string
  /** Cache-Status: '' for a hit, else the value of fwd (RFC 9211 §2.2). */
  readonly forwarded:
    | ''
    | 'bypass'
    | 'method'
    | 'uri-miss'
    | 'vary-miss'
    | 'miss'
    | 'request'
    | 'stale'
    | 'partial'
  /** For people. */
  readonly sentence: string
}

const rows: ReasonRow[] = []

function row(verdict: Verdict, name: string, forwarded: ReasonRow['forwarded'], sentence: string): Reason {
  rows.push({ verdict, name, forwarded, sentence })
  return rows.length - 1
}

/** A key of the table. */
export type Reason = number

const { FRESH, STALE, VALIDATE, FORWARD, UNAVAILABLE } = Verdict

export const Reasons = {
  FRESH: row(FRESH, 'fresh', '', 'The stored answer is fresh.'),
  MAX_STALE: row(STALE, 'max-stale', '', 'The client takes an answer that is as stale as this.'),
  WHILE_REVALIDATE: row(
    STALE,
    'stale-while-revalidate',
    '',
    'Stale, but may be served while it is validated.',
  ),
  IF_ERROR: row(
    STALE,
    'stale-if-error',
    '',
    'The origin failed, and the stored answer may be served in its place.',
  ),
  VALIDATED: row(FRESH, 'validated', 'stale', 'The origin says that the stored answer is still right.'),
  STALE: row(VALIDATE, 'stale', 'stale', 'The stored answer is no longer fresh.'),
  NO_CACHE: row(
    VALIDATE,
    'no-cache',
    'stale',
    'The origin wants the stored answer validated before every use.',
  ),
  CLIENT_NO_CACHE: row(
    VALIDATE,
    'client-no-cache',
    'request',
    'The client wants the stored answer validated.',
  ),
  CLIENT_MAX_AGE: row(
    VALIDATE,
    'client-max-age',
    'request',
    'The stored answer is older than the client takes.',
  ),
  CLIENT_MIN_FRESH: row(
    VALIDATE,
    'client-min-fresh',
    'request',
    'The stored answer stays fresh too short a time for the client.',
  ),
  AUTHORIZED: row(
    FORWARD,
    'authorization',
    'request',
    'The request is authorized, and the stored answer is not said to be for everybody.',
  ),
  NOT_KEPT: row(
    FORWARD,
    'not-kept',
    'uri-miss',
    'The stored answer has been stale for longer than answers are kept to be validated.',
  ),
  MISS: row(FORWARD, 'miss', 'uri-miss', 'Nothing is stored for this URL.'),
  SOME_MISS: row(
    FORWARD,
    'some-miss',
    'miss',
    'What may be stored for this URL was made for other request fields (Vary), or is gone.',
  ),
  VARY_MISS: row(
    FORWARD,
    'vary-miss',
    'vary-miss',
    'What is stored for this URL was made for other request fields (Vary).',
  ),
  PARTIAL_MISS: row(
    FORWARD,
    'partial-miss',
    'partial',
    'What is stored is a part, and not the one asked for.',
  ),
  METHOD: row(FORWARD, 'method', 'method', 'Answers to this method are not served from the cache.'),
  BYPASS: row(FORWARD, 'bypass', 'bypass', 'The config says that this request passes the cache by.'),
  UNSTORABLE: row(
    FORWARD,
    'unstorable',
    'miss',
    'The last answer was not storable: nobody waits for this one.',
  ),
  ONLY_IF_CACHED: row(
    UNAVAILABLE,
    'only-if-cached',
    '',
    'The client wants a stored answer only, and there is none that may be used.',
  ),
} as const satisfies Record<string, Reason>

const verdicts = Uint8Array.from(rows, (entry) => entry.verdict)

export function verdictOf(reason: Reason): Verdict {
  return verdicts[reason] as Verdict
}

export function reasonRow(reason: Reason): ReasonRow {
  return rows[reason] as ReasonRow
}

/** How many reasons there are: the length of arrays indexed by one. */
export const reasonCount: number = rows.length
