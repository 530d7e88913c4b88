/**
 * Peer: a proxy that is measured. One file each; every one is set up at its best for this job: one worker, keep-alive
 * to the origin, and towards the origin the fields that Headgate sends by default.
 */
import { spawnSync } from 'node:child_process'
import { findProgram } from '../../test/programs.ts'
import type { Command } from '../processes.ts'

export interface PeerSetup {
  /** Its own empty folder. */
  readonly folder: string
  readonly port: number
  readonly originPort: number
  readonly accessLog: boolean
  /** A cache is to be kept in this folder, where it outlives the program; left out: in memory. */
  readonly diskFolder?: string
  /** Speak TLS with this certificate, HTTP/2 included; null: plain. */
  readonly identity: Identity | null
}

/** Files in PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

export interface Peer {
  readonly name: string
  /** Peers of one family are one program set up differently; the best of them counts for the family. */
  readonly family: string
  /** Can it write an access log? Else it is left out where logs are compared. */
  readonly logs: boolean
  /** Can it be set up with TLS here? Else it is left out where that is compared. */
  readonly speaksTls?: boolean
  /** Why it cannot run here; '' when it can. May install what it needs into a temporary folder. */
  missing(): string
  version(): string
  command(setup: PeerSetup): Command
}

/** What a program says to a question about its version, its first match of `pattern`. */
export function askVersion(program: string, flag: string, pattern: RegExp): string {
  const asked = spawnSync(findProgram(program), [flag], { encoding: 'utf8' })
  return pattern.exec(asked.stdout + asked.stderr)?.[1] ?? 'unknown'
}

export function missingProgram(name: string): string {
  return findProgram(name) === '' ? `${name} is not installed` : ''
}

/** Of an nginx: where it listens. The version of Debian 12 speaks TLS 1.3 only when told to. */
export function nginxListen({ port, identity }: PeerSetup): string {
  if (identity === null) return `listen 127.0.0.1:${port} backlog=4096;`
  return `listen 127.0.0.1:${port} ssl http2 backlog=4096;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate ${identity.cert};
    ssl_certificate_key ${identity.key};
    ssl_session_cache shared:sessions:10m;`
}
