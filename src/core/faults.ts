/**
 * THE table of everything that can go wrong between two peers. A fault is a small integer that indexes it. Readers
 * return it negated and nobody throws: a bad peer is a frequent event, not an exceptional one. Exceptions are bugs of
 * our own.
 *
 * The log, the metrics, `Proxy-Status` (RFC 9209), the admin page and the docs all read this one table.
 */

import {
  badAnswer,
  badCertificate,
  badHandshake,
  badRequest,
  broken,
  denied,
  row,
  rows,
  turnedAway,
  unreached,
  unseen,
  type Fault,
  type FaultRow,
} from './fault-rows.ts'

export type { Fault, FaultLevel, FaultRetry, FaultRow, FaultSide } from './fault-rows.ts'

export const NONE: Fault = 0

export const Faults = {
  // What a client sent (RFC 9112). Each has two readings or none, so it is refused and the connection closed.
  REQUEST_LINE_BAD: badRequest('request_line_bad', 'The request line is malformed (RFC 9112 §3).'),
  REQUEST_LINE_TOO_LONG: badRequest('request_line_too_long', 'The request target is too long.', 414),
  METHOD_BAD: badRequest('method_bad', 'The method is not a token (RFC 9110 §9.1).'),
  METHOD_NOT_SERVED: badRequest('method_not_served', 'This method is not served here.', 501),
  TARGET_BAD: badRequest('target_bad', 'The request target is invalid (RFC 9112 §3.2).'),
  VERSION_BAD: badRequest('version_bad', 'The HTTP version is malformed (RFC 9112 §2.3).'),
  VERSION_NOT_SERVED: badRequest('version_not_served', 'This HTTP version is not served here.', 505),
  HEAD_TOO_LARGE: badRequest('head_too_large', 'The header section is too large.', 431),
  FIELDS_TOO_MANY: badRequest('fields_too_many', 'There are too many header fields.', 431),
  FIELD_NAME_BAD: badRequest('field_name_bad', 'A field name is not a token (RFC 9110 §5.1).'),
  FIELD_VALUE_BAD: badRequest(
    'field_value_bad',
    'A field value holds a forbidden character (RFC 9110 §5.5).',
  ),
  FIELD_FOLDED: badRequest('field_folded', 'A field value is folded over lines (RFC 9112 §5.2).'),
  LINE_END_BAD: badRequest('line_end_bad', 'A line does not end with CR LF (RFC 9112 §2.2).'),
  HOST_MISSING: badRequest('host_missing', 'The Host field is missing (RFC 9112 §3.2).'),
  HOST_REPEATED: badRequest('host_repeated', 'There is more than one Host field (RFC 9112 §3.2).'),
  HOST_BAD: badRequest('host_bad', 'The Host field is invalid (RFC 9112 §3.2).'),
  LENGTH_BAD: badRequest('length_bad', 'The Content-Length is invalid (RFC 9112 §6.3).'),
  LENGTH_REPEATED: badRequest('length_repeated', 'There is more than one Content-Length (RFC 9112 §6.3).'),
  LENGTH_AND_CHUNKED: badRequest(
    'length_and_chunked',
    'Content-Length and Transfer-Encoding came together (RFC 9112 §6.1).',
  ),
  TRANSFER_CODING_BAD: badRequest(
    'transfer_coding_bad',
    'The Transfer-Encoding is not exactly "chunked" (RFC 9112 §6.1).',
  ),
  TRANSFER_CODING_NOT_SERVED: badRequest(
    'transfer_coding_not_served',
    'This transfer coding is not served here (RFC 9112 §6.1).',
    501,
  ),
  TRANSFER_CODING_HTTP10: badRequest(
    'transfer_coding_http10',
    'Transfer-Encoding came with HTTP/1.0 (RFC 9112 §6.1).',
  ),
  EXPECTATION_NOT_MET: row(
    'expectation_not_met',
    417,
    'client',
    'This expectation cannot be met (RFC 9110 §10.1.1).',
  ),
  CHUNK_BAD: badRequest('chunk_bad', 'A chunk is malformed (RFC 9112 §7.1).'),
  CHUNK_EXTENSION_TOO_LONG: badRequest(
    'chunk_extension_too_long',
    'Chunk extensions are too long (RFC 9112 §7.1.1).',
  ),
  TRAILER_BAD: badRequest('trailer_bad', 'The trailer section is malformed (RFC 9112 §7.1.2).'),
  TRAILER_TOO_LARGE: badRequest('trailer_too_large', 'The trailer section is too large.', 431),
  BODY_TOO_LARGE: row('body_too_large', 413, 'client', 'The request body is too large.', { closes: true }),
  PROXY_HEADER_MISSING: row(
    'proxy_header_missing',
    0,
    'client',
    'A peer that has to send a PROXY protocol header sent something else.',
    { closes: true, level: 'warn' },
  ),
  PROXY_HEADER_BAD: row('proxy_header_bad', 0, 'client', 'A PROXY protocol header is malformed.', {
    closes: true,
    level: 'warn',
  }),
  PROXY_HEADER_TIMEOUT: row(
    'proxy_header_timeout',
    0,
    'client',
    'A PROXY protocol header did not arrive in time.',
    { closes: true, level: 'warn' },
  ),
  UPLOAD_HELD: row(
    'upload_held',
    503,
    'origin',
    'The origin did not take an upload, and too much of it was waiting.',
    { proxyStatus: 'connection_write_timeout' },
  ),
  H3_RESET_FLOOD: broken('h3_reset_flood', 'Too many requests were taken back (HTTP/3).'),
  H3_ERROR_FLOOD: broken('h3_error_flood', 'Too many requests were malformed (HTTP/3).'),
  HELLO_TIMEOUT: row('hello_timeout', 0, 'client', 'The ClientHello of TLS did not arrive in time.', {
    closes: true,
  }),
  TLS_ON_PLAIN: badRequest('tls_on_plain', 'TLS was spoken on a listener without TLS.'),

  // Handshakes of clients that failed.
  TLS_FAILED: badHandshake('tls_failed', 'The TLS handshake failed.'),
  TLS_ALERT: badHandshake('tls_alert', 'The client refused TLS by an alert.'),
  TLS_GONE: badHandshake('tls_gone', 'The client left during the TLS handshake.'),
  TLS_TIMEOUT: badHandshake('tls_timeout', 'The TLS handshake took too long.'),
  TLS_TOO_MANY: badHandshake('tls_too_many', 'There are too many TLS handshakes at a time.'),
  TLS_PLAIN_HTTP: badHandshake('tls_plain_http', 'HTTP without TLS was spoken on a listener with TLS.'),
  TLS_NAME_UNKNOWN: badHandshake('tls_name_unknown', 'The client asks for a server that is not here.'),
  TLS_CERTIFICATE_MISSING: badHandshake(
    'tls_client_certificate_missing',
    'The client sent no certificate where one is required.',
  ),
  TLS_CERTIFICATE_BAD: badHandshake(
    'tls_client_certificate_bad',
    'The certificate of the client has expired, or comes from nobody who is trusted.',
  ),

  // Clients that are slow, gone or too many.
  HEAD_TIMEOUT: row('head_timeout', 408, 'client', 'The request head did not arrive in time.', {
    closes: true,
  }),
  BODY_TIMEOUT: row('body_timeout', 408, 'client', 'The request body arrived too slowly.', { closes: true }),
  IDLE_TIMEOUT: row('idle_timeout', 0, 'client', 'The connection was idle.', {
    closes: true,
    level: 'debug',
  }),
  READ_TIMEOUT: row('read_timeout', 0, 'client', 'The client read the answer too slowly.', { closes: true }),
  CLIENT_SILENT: row('client_silent', 0, 'client', 'A client asked nothing.', {
    closes: true,
    level: 'debug',
  }),
  ANSWER_HELD: row('answer_held', 0, 'client', 'Too much waited in memory for slow clients.', {
    closes: true,
  }),
  CLIENT_GONE: row(
    'client_gone',
    0,
    'client',
    'The client closed the connection before the answer was whole.',
    { closes: true },
  ),
  TUNNEL_IDLE: row('tunnel_idle', 0, 'edge', 'The tunnel was idle.', { closes: true, level: 'info' }),
  TOO_MANY_CONNECTIONS: row('too_many_connections', 503, 'edge', 'There are too many connections.', {
    closes: true,
    level: 'warn',
  }),

  // What a client did on a connection of HTTP/2 (RFC 9113).
  MESSAGE_MALFORMED: broken('message_malformed', 'The fields of a request are malformed (RFC 9113 §8.1.1).'),
  STREAM_LENGTH_BAD: broken(
    'stream_length_bad',
    'A body is longer or shorter than its Content-Length (RFC 9113 §8.1.1).',
  ),
  H2_PROTOCOL_ERROR: broken('h2_protocol_error', 'A frame is against the protocol (RFC 9113 §5.4).'),
  H2_FRAME_SIZE_ERROR: broken('h2_frame_size_error', 'A frame has a wrong size (RFC 9113 §4.2).'),
  H2_FLOW_CONTROL_ERROR: broken(
    'h2_flow_control_error',
    'A flow-control window was overrun (RFC 9113 §5.2).',
  ),
  H2_COMPRESSION_ERROR: broken('h2_compression_error', 'A header block cannot be decoded (RFC 7541).'),
  H2_STREAM_CLOSED: broken('h2_stream_closed', 'A frame came on a stream that is closed (RFC 9113 §5.1).'),
  H2_SETTINGS_TIMEOUT: broken('h2_settings_timeout', 'Our SETTINGS were not acknowledged (RFC 9113 §6.5.3).'),
  H2_SILENT: broken('h2_silent', 'The connection did not answer a PING.'),
  H2_RESET_FLOOD: broken('h2_reset_flood', 'Too many requests were taken back.'),
  H2_ERROR_FLOOD: broken('h2_error_flood', 'Too many streams had to be reset for what was sent on them.'),
  H2_CONTINUATION_FLOOD: broken('h2_continuation_flood', 'A header block came in too many pieces.'),
  H2_SETTINGS_FLOOD: broken('h2_settings_flood', 'Too many SETTINGS frames came.'),
  H2_PING_FLOOD: broken('h2_ping_flood', 'Too many PING frames came.'),
  H2_PRIORITY_FLOOD: broken(
    'h2_priority_flood',
    'Too many frames about priorities, or of unknown types, came.',
  ),
  H2_EMPTY_DATA_FLOOD: broken(
    'h2_empty_data_flood',
    'Too many DATA frames with next to nothing in them came.',
  ),
  H2_WINDOW_FLOOD: broken('h2_window_flood', 'Too many WINDOW_UPDATE frames came for what was sent.'),
  H2_SLOW_FLOOD: broken('h2_slow_flood', 'Too many answers of one connection were not taken.'),
  CLIENT_TURNED_AWAY: turnedAway(
    'client_turned_away',
    'The client is turned away for a while: its connections were cut off again and again.',
  ),
  CLIENT_CONNECTIONS: turnedAway('client_connections', 'The client holds as many connections as it may.'),

  // What the route decided.
  NO_ROUTE: denied('no_route', 404, 'No route takes this request.'),
  MISDIRECTED: denied('misdirected', 421, 'This host is not served on this connection.'),
  LOOP: row('loop', 508, 'edge', 'The request has passed here before (RFC 8586).', {
    proxyStatus: 'proxy_loop_detected',
  }),
  METHOD_REFUSED: denied('method_refused', 405, 'This method is not allowed here.'),
  ACCESS_DENIED: denied('access_denied', 403, 'Access is denied.'),

  // Origins (RFC 9209 names).
  ORIGIN_UNRESOLVED: unreached('dns_error', 502, 'The origin could not be found.'),
  ORIGIN_REFUSED: unreached('connection_refused', 502, 'The origin refused the connection.'),
  ORIGIN_UNREACHABLE: unreached('destination_ip_unroutable', 502, 'The origin cannot be reached.'),
  ORIGIN_CONNECT_TIMEOUT: unreached(
    'connection_timeout',
    504,
    'The origin did not accept the connection in time.',
  ),
  ORIGIN_CLOSED_EARLY: row(
    'connection_terminated',
    502,
    'origin',
    'The origin closed the connection before its answer.',
    { retry: 'if-reused', proxyStatus: 'connection_terminated' },
  ),
  ORIGIN_TRUNCATED: row('http_response_incomplete', 502, 'origin', 'The answer of the origin broke off.', {
    proxyStatus: 'http_response_incomplete',
  }),
  ORIGIN_FIRST_BYTE_TIMEOUT: row(
    'http_response_timeout',
    504,
    'origin',
    'The origin did not answer in time.',
    { proxyStatus: 'http_response_timeout' },
  ),
  ORIGIN_BETWEEN_BYTES_TIMEOUT: row(
    'connection_read_timeout',
    504,
    'origin',
    'The origin fell silent in its answer.',
    { proxyStatus: 'connection_read_timeout' },
  ),
  ORIGIN_WRITE_TIMEOUT: row(
    'connection_write_timeout',
    504,
    'origin',
    'The origin did not take the request in time.',
    { proxyStatus: 'connection_write_timeout' },
  ),
  ORIGIN_FULL: unreached('connection_limit_reached', 503, 'The origin has too many connections.'),
  ORIGIN_NONE: row('destination_unavailable', 503, 'origin', 'No server of the origin is available.', {
    proxyStatus: 'destination_unavailable',
  }),
  ORIGIN_TLS: unreached('tls_protocol_error', 502, 'TLS to the origin failed.'),
  ORIGIN_TLS_ALERT: unreached('tls_alert_received', 502, 'The origin refused TLS by an alert.'),
  ORIGIN_CERTIFICATE_EXPIRED: badCertificate(
    'tls_certificate_expired',
    'The certificate of the origin has expired, or does not hold yet.',
  ),
  ORIGIN_CERTIFICATE_UNTRUSTED: badCertificate(
    'tls_certificate_untrusted',
    'The certificate of the origin comes from nobody who is trusted.',
  ),
  ORIGIN_CERTIFICATE_NAME: badCertificate(
    'tls_certificate_name',
    'The certificate of the origin is for another name.',
  ),
  EDGE_EXHAUSTED: row('edge_exhausted', 503, 'edge', 'No connection to the origin could be opened.', {
    retry: 'any',
    level: 'error',
    proxyStatus: 'proxy_internal_error',
  }),
  ORIGIN_NOT_HTTP2: unseen('origin_not_http2', 'The origin does not speak HTTP/2.'),
  ORIGIN_STREAM_REFUSED: unseen(
    'origin_stream_refused',
    'The origin refused the request unseen (RFC 9113 §8.7).',
  ),
  ORIGIN_GOING_AWAY: unseen(
    'origin_going_away',
    'The origin ended its session before it came to this request (RFC 9113 §6.8).',
    'info',
  ),
  ORIGIN_STREAM_RESET: badAnswer(
    'origin_stream_reset',
    'The origin reset the stream before its answer (RFC 9113 §5.4.2).',
  ),
  ORIGIN_HTTP1_REQUIRED: unseen(
    'origin_http1_required',
    'The origin wants this request by HTTP/1.1 (RFC 9113 §7).',
    'debug',
  ),
  ORIGIN_HEAD_LIMIT: row(
    'origin_head_limit',
    431,
    'client',
    'The header section is larger than the origin takes (RFC 9113 §6.5.2).',
  ),
  ORIGIN_UPGRADE_NOT_SERVED: row(
    'origin_upgrade_not_served',
    502,
    'origin',
    'The origin serves no upgrade on HTTP/2 (RFC 8441).',
    { proxyStatus: 'http_upgrade_failed' },
  ),
  STATUS_LINE_BAD: badAnswer('status_line_bad', 'The status line of the origin is malformed (RFC 9112 §4).'),
  ANSWER_VERSION_BAD: badAnswer(
    'answer_version_bad',
    'The origin speaks another HTTP version (RFC 9112 §2.3).',
  ),
  ANSWER_HEAD_TOO_LARGE: row(
    'http_response_header_section_size',
    502,
    'origin',
    'The header section of the origin is too large.',
    { proxyStatus: 'http_response_header_section_size' },
  ),
  ANSWER_FIELD_BAD: badAnswer('answer_field_bad', 'A field of the origin is malformed (RFC 9112 §5).'),
  ANSWER_FIELD_FOLDED: badAnswer(
    'answer_field_folded',
    'A field of the origin is folded over lines (RFC 9112 §5.2).',
  ),
  ANSWER_LINE_END_BAD: badAnswer(
    'answer_line_end_bad',
    'A line of the origin does not end with CR LF (RFC 9112 §2.2).',
  ),
  ANSWER_LENGTH_BAD: badAnswer(
    'answer_length_bad',
    'The Content-Length of the origin is invalid (RFC 9112 §6.3).',
  ),
  ANSWER_LENGTH_AND_CHUNKED: badAnswer(
    'answer_length_and_chunked',
    'The origin sent Content-Length and Transfer-Encoding together (RFC 9112 §6.3).',
  ),
  ANSWER_TRANSFER_CODING_BAD: row(
    'http_response_transfer_coding',
    502,
    'origin',
    'The transfer coding of the origin cannot be read (RFC 9112 §6.3).',
    { proxyStatus: 'http_response_transfer_coding' },
  ),
  ANSWER_CHUNK_BAD: badAnswer('answer_chunk_bad', 'A chunk of the origin is malformed (RFC 9112 §7.1).'),
  ANSWER_TRAILER_BAD: badAnswer(
    'answer_trailer_bad',
    'The trailer section of the origin is malformed (RFC 9112 §7.1.2).',
  ),
  ANSWER_MALFORMED: badAnswer('answer_malformed', 'The answer of the origin is malformed (RFC 9113 §8.1.1).'),
  ANSWER_FRAME_BAD: badAnswer('answer_frame_bad', 'The origin broke the rules of HTTP/2 (RFC 9113 §5.4).'),
  ANSWER_FLOOD: badAnswer(
    'answer_flood',
    'The origin sent too many frames that say nothing (RFC 9113 §10.5).',
  ),
  ANSWER_COMPRESSION_BAD: badAnswer(
    'answer_compression_bad',
    'A header block of the origin cannot be decoded (RFC 7541).',
  ),
  ANSWER_UNASKED: badAnswer('answer_unasked', 'The origin sent bytes that no request asked for.'),
  ANSWER_UPGRADE_BAD: row(
    'http_upgrade_failed',
    502,
    'origin',
    'The origin switched to a protocol that was not asked for (RFC 9110 §7.8).',
    { proxyStatus: 'http_upgrade_failed' },
  ),
  ANSWER_NO_TUNNEL: badAnswer(
    'answer_no_tunnel',
    'The answer to an extended CONNECT opens no tunnel, and says that all is well (RFC 8441 §4).',
  ),
  ANSWER_CHANGED: badAnswer(
    'answer_changed',
    'The parts that the origin sent are of different versions (RFC 9111 §3.4).',
  ),
  ANSWER_INFORMATIONAL_TOO_MANY: badAnswer(
    'answer_informational_too_many',
    'The origin sent too many informational answers.',
  ),

  // Ourselves.
  DRAINING: row('draining', 503, 'edge', 'The server is shutting down.', {
    closes: true,
    level: 'info',
    proxyStatus: 'destination_unavailable',
  }),
  INTERNAL: row('internal', 500, 'edge', 'An internal error happened.', {
    closes: true,
    proxyStatus: 'proxy_internal_error',
  }),
  MAINTENANCE: row('maintenance', 503, 'edge', 'The site is under maintenance.', {
    level: 'debug',
    proxyStatus: 'destination_unavailable',
  }),
} as const satisfies Record<string, Fault>

/** The row of a fault. An invalid number gives the row of `INTERNAL`: a wrong number must not take the log down. */
export function faultRow(fault: Fault): FaultRow {
  return rows[fault] ?? (rows[Faults.INTERNAL] as FaultRow)
}

/** How many faults there are, 0 included: the length of arrays that count them. */
export const faultCount: number = rows.length
