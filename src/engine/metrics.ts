/**
 * The table of all metrics, and the form in which they leave a worker.
 *
 * The exposition (admin), the merging over workers and docs/operations.md read this one table; a name that is not in
 * it cannot be written. No label ever holds what a client chose (Host, path, an unknown method): a stranger must not
 * be able to create series.
 */

/** How the values of several workers are combined into one. */
export type MetricMerge = 'sum' | 'max' | 'min'

export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
  readonly merge: MetricMerge
}

/**
 * Name → key → value. A key is what follows the name in the text format: labels in braces or '', and for
 * histograms `_bucket{…}`, `_sum{…}`, `_count{…}`. It is plain data, since it is cloned over the channels of
 * the workers.
 */
export type MetricsSnapshot = Record<string, Record<string, number>>

const rows: MetricRow[] = []

function metric(
  type: MetricRow['type'],
  name: string,
  labels: string,
  help: string,
  merge: MetricMerge = 'sum',
): string {
  rows.push({ name, type, labels: labels === '' ? [] : labels.split(','), help, merge })
  return name
}

const counter = (name: string, labels: string, help: string): string => metric('counter', name, labels, help)
const gauge = (name: string, labels: string, help: string, merge: MetricMerge = 'sum'): string =>
  metric('gauge', name, labels, help, merge)
const histogram = (name: string, labels: string, help: string): string =>
  metric('histogram', name, labels, help)

export const Metric = {
  REQUESTS: counter(
    'headgate_http_requests_total',
    'site,route,method,code',
    'Requests that are over, by the status sent; code 0 when no answer was sent.',
  ),
  REQUEST_DURATION: histogram(
    'headgate_http_request_duration_seconds',
    'site,route',
    'From the request head to the end of the exchange; tunnels are not in it.',
  ),
  REQUEST_BODY_BYTES: counter(
    'headgate_http_request_body_bytes_total',
    'site,route',
    'Bytes of request bodies received.',
  ),
  RESPONSE_BYTES: counter(
    'headgate_http_response_bytes_total',
    'site,route',
    'Bytes of answers sent, as the access log counts them.',
  ),
  IN_FLIGHT: gauge('headgate_http_requests_in_flight', '', 'Requests that are not over.'),
  REQUEST_FAULTS: counter(
    'headgate_http_request_faults_total',
    'fault,side',
    'Requests that ended with a fault, refused heads included.',
  ),
  FAULTS: counter(
    'headgate_faults_total',
    'fault,side',
    'Failures, those of attempts that were followed by another included.',
  ),
  RETRIES: counter(
    'headgate_http_request_retries_total',
    '',
    'Attempts at an origin after the first of a request.',
  ),
  CONNECTIONS: gauge('headgate_connections_open', '', 'Connections of clients that are open.'),
  CONNECTIONS_TOTAL: counter('headgate_connections_total', '', 'Connections of clients accepted.'),
  CLIENT_BANS: counter(
    'headgate_client_bans_total',
    '',
    'Times that a client was turned away for a while, for abuse.',
  ),
  CLIENTS_BANNED: gauge(
    'headgate_clients_banned',
    '',
    'Clients (IPv4 addresses, IPv6 networks of 64 bits) that are turned away now.',
    'max',
  ),
  HELD_BYTES: gauge(
    'headgate_held_bytes',
    '',
    'Bytes that wait in memory for clients and origins that do not take them.',
  ),
  TCP_CONNECTIONS: gauge(
    'headgate_tcp_connections',
    '',
    'Connections that are passed on unread and are open.',
  ),
  TUNNELS: gauge('headgate_tunnels_open', '', 'Tunnels (WebSocket and other upgrades) that are open.'),
  UPSTREAM_REQUESTS: counter(
    'headgate_upstream_requests_total',
    'upstream,code',
    'Requests whose last attempt went to this server, by the status sent to the client.',
  ),
  UPSTREAM_FIRST_BYTE: histogram(
    'headgate_upstream_request_duration_seconds',
    'upstream',
    "From the request head to the first byte of the server's answer.",
  ),
  UPSTREAM_FAULTS: counter(
    'headgate_upstream_faults_total',
    'upstream,fault',
    'Attempts at this server that failed.',
  ),
  UPSTREAM_HEALTHY: gauge(
    'headgate_upstream_healthy',
    'origin,upstream',
    '1 when the server takes requests, 0 while any worker passes it over.',
    'min',
  ),
  UPSTREAM_CONNECTIONS: gauge(
    'headgate_upstream_connections_open',
    'origin,upstream',
    'Connections to this server, idle ones included.',
  ),
  UPSTREAM_IN_FLIGHT: gauge(
    'headgate_upstream_requests_in_flight',
    'origin,upstream',
    'Requests under way at this server.',
  ),
  CACHE_REQUESTS: counter(
    'headgate_cache_requests_total',
    'site,status',
    'Requests that asked the cache, by what it did (hit, stale, revalidated, miss, collapsed, bypass, error).',
  ),
  CACHE_BYTES: counter(
    'headgate_cache_sent_bytes_total',
    'site',
    'Bytes of answers sent without asking an origin for their body (hit, stale, revalidated, collapsed).',
  ),
  CACHE_FETCHED: counter(
    'headgate_cache_fetched_bytes_total',
    'site',
    'Bytes of answers that origins sent for requests that asked the cache, or for the cache itself.',
  ),
  CACHE_FETCHES: counter(
    'headgate_cache_fetches_total',
    '',
    'Requests of the cache to origins: fills and revalidations.',
  ),
  CACHE_ENTRIES: gauge('headgate_cache_entries', '', 'Answers in memory, each worker its own.'),
  CACHE_USED: gauge('headgate_cache_used_bytes', '', 'Memory that they count for, what grows included.'),
  CACHE_LIMIT: gauge('headgate_cache_limit_bytes', '', 'Memory that they may take.'),
  CACHE_EVICTIONS: counter('headgate_cache_evictions_total', '', 'Answers thrown out to make room.'),
  CACHE_EVICTED: counter('headgate_cache_evicted_bytes_total', '', 'Bytes thrown out to make room.'),
  CACHE_PURGED: counter('headgate_cache_purged_total', '', 'Answers thrown out by purges.'),
  CACHE_REFUSED: counter('headgate_cache_refused_total', '', 'Answers not stored for want of room.'),
  HANDSHAKES: counter(
    'headgate_tls_handshakes_total',
    'version,resumed',
    'Handshakes with clients that are done; those that failed are in headgate_faults_total.',
  ),
  HANDSHAKES_UNDER_WAY: gauge('headgate_tls_handshakes_in_progress', '', 'Handshakes that are under way.'),
  CERTIFICATE_END: gauge(
    'headgate_tls_cert_not_after_seconds',
    'name',
    'Until when the certificate for a name of the config is good, in seconds since 1970; 0 while there is none.',
    'min',
  ),
  CERTIFICATE_ORDERS: counter(
    'headgate_tls_cert_orders_total',
    'result',
    'Certificates that were ordered, by result (ok, failed).',
  ),
  CERTIFICATES_ON_DEMAND: gauge(
    'headgate_tls_certs_on_demand',
    '',
    'Names that came by handshakes and have a certificate; the worker with most.',
    'max',
  ),
  DISK_FILES: gauge(
    'headgate_cache_disk_files',
    '',
    'Files of the cache on disk, as the worker counts that keeps the accounts.',
  ),
  DISK_USED: gauge('headgate_cache_disk_used_bytes', '', 'Bytes that they take.'),
  DISK_LIMIT: gauge('headgate_cache_disk_limit_bytes', '', 'Bytes that they may take.'),
  DISK_HITS: counter('headgate_cache_disk_hits_total', '', 'Answers that memory had not, and the disk had.'),
  DISK_MISSES: counter(
    'headgate_cache_disk_misses_total',
    '',
    'Answers that were looked for on disk in vain.',
  ),
  DISK_WRITES: counter('headgate_cache_disk_writes_total', '', 'Answers written to disk.'),
  DISK_WRITTEN: counter('headgate_cache_disk_written_bytes_total', '', 'Bytes of them.'),
  DISK_FAILURES: counter(
    'headgate_cache_disk_write_failures_total',
    'why',
    'Answers not written: the disk refused (failed), or too many waited for it (dropped).',
  ),
  DISK_DAMAGED: counter('headgate_cache_disk_damaged_total', '', 'Files that were not whole, or damaged.'),
  DISK_EVICTIONS: counter('headgate_cache_disk_evictions_total', '', 'Files removed to make room.'),
  STALE_CALLBACKS: counter(
    'headgate_stale_callbacks_total',
    '',
    'Calls from attempts that were no longer current; dropped.',
  ),
  LOG_LINES: counter('headgate_log_lines_total', 'log', 'Lines given to a log (access, errors).'),
  LOG_DROPPED: counter(
    'headgate_log_lines_dropped_total',
    'log',
    'Lines lost because the queue was full or the log could not be written.',
  ),
  LOG_WRITE_ERRORS: counter('headgate_log_write_errors_total', 'log', 'Writes to a log that failed.'),
  LOG_SUPPRESSED: counter(
    'headgate_log_lines_suppressed_total',
    '',
    'Lines of the errors log not written because the same came too often; they are summed up in one line.',
  ),
  RELOADS: counter('headgate_config_reloads_total', 'result', 'Reloads by result (ok, refused).'),
  RELOAD_STATE: gauge(
    'headgate_config_last_reload_successful',
    '',
    '1 when the last reload was taken, 0 when it was refused.',
  ),
  RELOAD_SUCCESS: gauge(
    'headgate_config_last_reload_success_timestamp_seconds',
    '',
    'When the running config was taken, in seconds since 1970.',
    'max',
  ),
  WORKERS: gauge('headgate_workers', '', 'Workers that serve; 1 when nothing is forked.'),
  WORKER_CRASHES: counter('headgate_worker_crashes_total', '', 'Workers that died without being told to.'),
  DRAINING: gauge('headgate_draining', '', '1 while the server drains.', 'max'),
  BUILD: gauge('headgate_build_info', 'version,node', 'Always 1; the labels tell the version.', 'max'),
  CPU_USER: counter('process_cpu_user_seconds_total', '', 'CPU time in user mode, all processes.'),
  CPU_SYSTEM: counter('process_cpu_system_seconds_total', '', 'CPU time in the kernel, all processes.'),
  CPU: counter('process_cpu_seconds_total', '', 'CPU time, all processes.'),
  START_TIME: gauge('process_start_time_seconds', '', 'When the oldest process started, since 1970.', 'min'),
  RESIDENT: gauge('process_resident_memory_bytes', '', 'Resident memory, all processes.'),
  OPEN_FDS: gauge('process_open_fds', '', 'Open file descriptors, all processes.'),
  MAX_FDS: gauge('process_max_fds', '', 'The smallest limit of open file descriptors of a process.', 'min'),
  HEAP_TOTAL: gauge('nodejs_heap_size_total_bytes', '', 'Heap of V8, all processes.'),
  HEAP_USED: gauge('nodejs_heap_size_used_bytes', '', 'Heap of V8 in use, all processes.'),
  EXTERNAL: gauge('nodejs_external_memory_bytes', '', 'Memory outside the heap (buffers), all processes.'),
  LOOP_LAG: gauge(
    'nodejs_eventloop_lag_p99_seconds',
    '',
    'Delay of the event loop, 99th percentile since the last look; the worst process.',
    'max',
  ),
  LOOP_USE: gauge(
    'nodejs_eventloop_utilization',
    '',
    'Part of the time since the last look that the event loop was busy; the worst process.',
    'max',
  ),
} as const satisfies Record<string, string>

/** All metrics, in the order of the exposition. */
export const metricRows: readonly MetricRow[] = rows

const rowByName = new Map(rows.map((row) => [row.name, row] as const))

/** Labels as the text format writes them: backslash, quote and line feed escaped; '' for none. */
export function labelText(...pairs: readonly string[]): string {
  let text = ''
  for (let i = 0; i < pairs.length; i += 2) {
    const value = (pairs[i + 1] as string).replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : '\\' + c))
    text += (text === '' ? '{' : ',') + pairs[i] + '="' + value + '"'
  }
  return text === '' ? '' : text + '}'
}

/** Sets one value of `snapshot`. Throws on a name that is not in the table, which would be a bug of ours. */
export function setSample(snapshot: MetricsSnapshot, name: string, key: string, value: number): void {
  if (!rowByName.has(name)) throw new Error('no such metric: ' + name)
  const family = (snapshot[name] ??= {})
  family[key] = value
}

/**
 * Merges many snapshots into one: sums, and for some gauges the largest or smallest. The inputs are not
 * changed.
 */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const merged: MetricsSnapshot = {}
  for (const snapshot of snapshots) {
    for (const [name, family] of Object.entries(snapshot)) {
      const into = (merged[name] ??= {})
      const merge = rowByName.get(name)?.merge ?? 'sum'
      for (const [key, value] of Object.entries(family)) {
        const before = into[key]
        if (before === undefined) into[key] = value
        else if (merge === 'sum') into[key] = before + value
        else into[key] = merge === 'max' ? Math.max(before, value) : Math.min(before, value)
      }
    }
  }
  return merged
}
