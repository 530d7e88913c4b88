import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsText, wantsOpenMetrics } from '../../../src/admin/metrics-text.ts'
import { labelText, setSample, type MetricsSnapshot } from '../../../src/engine/metrics.ts'

const snapshot: MetricsSnapshot = {
  process_open_fds: { '': 7 },
  headgate_http_requests_total: { '{code="200"}': 3, '{code="404"}': 0.5 },
}

test('families come in the order of the table, each with HELP and TYPE', () => {
  assert.equal(
    metricsText(snapshot),
    '# HELP headgate_http_requests_total Requests that are over, by the status sent; code 0 when no answer was sent.\n' +
      '# TYPE headgate_http_requests_total counter\n' +
      'headgate_http_requests_total{code="200"} 3\n' +
      'headgate_http_requests_total{code="404"} 0.5\n' +
      '# HELP process_open_fds Open file descriptors, all processes.\n' +
      '# TYPE process_open_fds gauge\n' +
      'process_open_fds 7\n',
  )
})

test('OpenMetrics names the family of a counter without _total, and ends with EOF', () => {
  const text = metricsText(snapshot, true)
  assert.match(
    text,
    /^# HELP headgate_http_requests Req.*\n# TYPE headgate_http_requests counter\nheadgate_http_requests_total\{/,
  )
  assert.ok(text.endsWith('\n# EOF\n'))
})

test('OpenMetrics is given to those who ask for it in a version that we write', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  assert.equal(wantsOpenMetrics(prometheus), true)
  for (const accept of ['', '*/*', 'text/plain', 'application/openmetrics-text; version=2.0.0'])
    assert.equal(wantsOpenMetrics(accept), false)
})

test('label values are escaped: backslash, quote, line feed', () => {
  assert.equal(labelText('a', 'x\\y"z\n', 'b', ''), '{a="x\\\\y\\"z\\n",b=""}')
  assert.equal(labelText(), '')
})

test('a name that the table has not is a bug', () => {
  assert.throws(() => setSample({}, 'headgate_nothing', '', 1), /no such metric/)
})

test('numbers that are not finite are written as the format has them', () => {
  const text = metricsText({ process_open_fds: { a: NaN, b: Infinity, c: -Infinity, d: 1e21 } })
  assert.match(text, /a NaN\n.*b \+Inf\n.*c -Inf\n.*d 1e\+21\n$/)
})
