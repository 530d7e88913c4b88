/** Translates the system's errors of connecting to an origin, and of a broken connection, into faults. */
import { Faults, type Fault } from '../core/faults.ts'
import {
  TLS_ALERT,
  TLS_CERTIFICATE_EXPIRED,
  TLS_CERTIFICATE_NAME,
  TLS_CERTIFICATE_UNTRUSTED,
  TLS_FAILED,
  TLS_TRUNCATED,
} from '../net/security.ts'

const connectFaults: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: Faults.ORIGIN_REFUSED,
  // A unix socket that does not exist, or on which nobody listens.
  ENOENT: Faults.ORIGIN_REFUSED,
  ENOTSOCK: Faults.ORIGIN_REFUSED,
  EACCES: Faults.ORIGIN_REFUSED,
  EPERM: Faults.ORIGIN_REFUSED,
  // It was reset or closed while it was being made.
  ECONNRESET: Faults.ORIGIN_REFUSED,
  ECONNABORTED: Faults.ORIGIN_REFUSED,
  EPIPE: Faults.ORIGIN_REFUSED,
  ETIMEDOUT: Faults.ORIGIN_CONNECT_TIMEOUT,
  ENOTFOUND: Faults.ORIGIN_UNRESOLVED,
  EAI_AGAIN: Faults.ORIGIN_UNRESOLVED,
  // connect(2): the queue of a unix socket is full. Over TCP the kernel would wait; here we are told.
  EAGAIN: Faults.ORIGIN_FULL,
  // We ourselves have no descriptor, port or memory left: no server is to blame.
  EMFILE: Faults.EDGE_EXHAUSTED,
  ENFILE: Faults.EDGE_EXHAUSTED,
  EADDRNOTAVAIL: Faults.EDGE_EXHAUSTED,
  EADDRINUSE: Faults.EDGE_EXHAUSTED,
  ENOBUFS: Faults.EDGE_EXHAUSTED,
  ENOMEM: Faults.EDGE_EXHAUSTED,
  [TLS_FAILED]: Faults.ORIGIN_TLS,
  [TLS_TRUNCATED]: Faults.ORIGIN_REFUSED,
  [TLS_CERTIFICATE_EXPIRED]: Faults.ORIGIN_CERTIFICATE_EXPIRED,
  [TLS_CERTIFICATE_UNTRUSTED]: Faults.ORIGIN_CERTIFICATE_UNTRUSTED,
  [TLS_CERTIFICATE_NAME]: Faults.ORIGIN_CERTIFICATE_NAME,
}

/** The fault of a connection that could not be made. Any other error means that there is no way to the address. */
export function connectFault(error: string): Fault {
  if (error.startsWith(TLS_ALERT)) return Faults.ORIGIN_TLS_ALERT
  return connectFaults[error] ?? Faults.ORIGIN_UNREACHABLE
}
