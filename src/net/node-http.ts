/**
 * Node's own HTTP, for what is not hot: the admin listener, certificate authorities, OCSP responders.
 *
 * It is asked for rather than imported: an import reads every name that a built-in module exports, and one of them
 * (`http.WebSocket`) loads all of fetch. In each process that was 125 ms of a start of 1.1 s, and 9 MiB for good (Node 26).
 */
import type * as http from 'node:http'

export const nodeHttp: typeof http = process.getBuiltinModule('node:http')
