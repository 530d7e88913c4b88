import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressText, parseServerUrl, type ServerUrl } from '../../../src/origin/server-url.ts'

const good: [string, Partial<ServerUrl>][] = [
  ['http://10.0.0.11:3000', { host: '10.0.0.11', port: 3000, isName: false, authority: '10.0.0.11:3000' }],
  ['10.0.0.11', { host: '10.0.0.11', port: 80, isName: false, authority: '10.0.0.11' }],
  ['http://10.0.0.11/', { host: '10.0.0.11', port: 80 }],
  [
    'HTTP://Example.COM:8080',
    { host: 'example.com', port: 8080, isName: true, authority: 'example.com:8080' },
  ],
  ['localhost:3000', { host: 'localhost', port: 3000, isName: true }],
  ['app', { host: 'app', port: 80, isName: true }],
  [
    'my_app.service.consul:80',
    { host: 'my_app.service.consul', port: 80, authority: 'my_app.service.consul' },
  ],
  ['app.internal.:80', { host: 'app.internal.', isName: true }],
  ['http://[::1]:80', { host: '::1', port: 80, isName: false, authority: '[::1]' }],
  ['[2001:DB8::1]:8443', { host: '2001:DB8::1', port: 8443, authority: '[2001:db8::1]:8443' }],
  ['[fe80::1%25eth0]:80', { host: 'fe80::1%eth0', port: 80, isName: false }],
  ['[fe80::1%eth0]', { host: 'fe80::1%eth0', port: 80 }],
  ['unix:/run/app.sock', { host: '', port: 0, path: '/run/app.sock', isName: false, authority: 'localhost' }],
  ['unix:///run/app.sock', { path: '/run/app.sock' }],
  ['http://1.2.3.example', { host: '1.2.3.example', isName: true }],
  ['http://a:65535', { port: 65_535 }],
  ['https://app', { host: 'app', port: 443, isSecure: true, authority: 'app' }],
  ['https://app:80', { port: 80, isSecure: true, authority: 'app:80' }],
  ['http://app:443', { port: 443, isSecure: false, authority: 'app:443' }],
]

for (const [text, expected] of good) {
  test(`"${text}" is read`, () => {
    const url = parseServerUrl(text)
    assert.ok(typeof url !== 'string', JSON.stringify(url))
    assert.equal(url.text, text)
    for (const [key, value] of Object.entries(expected)) assert.equal(url[key as keyof ServerUrl], value, key)
  })
}

const bad: [string, RegExp][] = [
  ['', /needs an address/],
  ['http://', /the host is missing/],
  [':3000', /the host is missing; did you mean "127\.0\.0\.1:3000"\?/],
  ['https//app', /not an address; did you mean "https:\/\/app"\?/],
  ['http:/app:80', /did you mean "http:\/\/app:80"\?/],
  ['http://app internal', /space/],
  ['http://app\n', /control character/],
  ['ftp://app', /the scheme ftp is unknown/],
  ['ws://app', /the scheme ws is unknown/],
  ['http://app/base', /has a path or query.*use rewrite for "\/base"/],
  ['http://app?x=1', /has a path or query/],
  ['http://app#x', /has a path or query/],
  ['http://user:secret@app', /user name or password/],
  ['http://app:0', /port must be a number from 1 to 65535, not "0"/],
  ['http://app:65536', /port must be/],
  ['http://app:', /port must be/],
  ['http://app:80a', /port must be/],
  ['http://app:+80', /port must be/],
  ['app:080000', /port must be/],
  ['::1', /write the IPv6 address in brackets: \[::1\]/],
  ['a:b:80', /more than one colon/],
  ['http://[::1', /bracket of the IPv6 address is not closed/],
  ['http://[::1]x', /"x" follows the IPv6 address/],
  ['http://[10.0.0.1]', /"10\.0\.0\.1" is not an IPv6 address/],
  ['http://[]', /is not an IPv6 address/],
  ['10.0.0', /not an IPv4 address of four decimal numbers/],
  ['10.0.0.256', /not an IPv4 address/],
  ['010.0.0.1', /not an IPv4 address/],
  ['0x7f.1', /not an IPv4 address/],
  ['2130706433', /not an IPv4 address/],
  ['http://bücher.example', /xn--/],
  ['http://-app', /not a name of a host/],
  ['http://app-', /not a name of a host/],
  ['http://a..b', /not a name of a host/],
  ['http://*.example.com', /not a name of a host/],
  [`http://${'a'.repeat(64)}`, /not a name of a host/],
  [`http://${'a.'.repeat(127)}b`, /at most 253/],
  ['unix:', /needs an absolute path/],
  ['unix:app.sock', /needs an absolute path/],
  ['unix:/run/', /names a folder/],
  [`unix:/${'a'.repeat(107)}`, /may have 107 bytes, this one has 108/],
]

for (const [text, sentence] of bad) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused: ${sentence.source.slice(0, 40)}`, () => {
    const message = parseServerUrl(text)
    assert.equal(typeof message, 'string')
    assert.match(message as string, sentence)
  })
}

test('addresses are written as logs and people expect them', () => {
  assert.equal(addressText('10.0.0.1', 80, ''), '10.0.0.1:80')
  assert.equal(addressText('::1', 80, ''), '[::1]:80')
  assert.equal(addressText('', 0, '/run/a.sock'), 'unix:/run/a.sock')
})
