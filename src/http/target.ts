/**
 * The request target and Host (RFC 9112 §3.2): parsed, normalised or refused.
 */
import type { Fault } from '../core/faults.ts'
import type { RequestHead } from './message.ts'

/** Fills form, target, queryStart and path (and host, port, authority for absolute form) from a target of text. 0 or a fault. */
export function readTarget(_target: string, _head: RequestHead): Fault {
  return 0
}

/** Fills host, port and authority from the text of Host or :authority. 0 or a fault. */
export function readAuthority(_authority: string, _head: RequestHead): Fault {
  return 0
}

/** The path to route on, for a path in origin form; '' when it has no safe reading. */
export function normalPath(path: string): string {
  return path
}
