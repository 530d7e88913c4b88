/** Files of TSIG keys. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readKeyFile } from '../../../../../src/tls/acme/dns/key-file.ts'

test('the file of tsig-keygen is read, comments and quotes passed over', () => {
  const text = `# made by hand
key "Update-Key." { // for the edge
\talgorithm hmac-sha512;
\tsecret "//8/c2VjcmV0"; /* quite */
};
`
  assert.deepEqual(readKeyFile(text), {
    name: 'update-key',
    algorithm: 'hmac-sha512',
    secret: Buffer.from('//8/c2VjcmV0', 'base64'),
  })
})

const told = (text: string): string => {
  const read = readKeyFile(text)
  return typeof read === 'string' ? read : 'read'
}

const keyOf = (body: string): string => `key k { ${body} };`

test('what is wrong with one is told', () => {
  assert.match(told('-----BEGIN PRIVATE KEY-----'), /^has no key as `tsig-keygen` writes it/)
  assert.match(
    told(keyOf('secret "AAAA";')),
    /^names no algorithm: a key of hmac-sha256, .* \(tsig-keygen -a hmac-sha256 k\)/,
  )
  assert.match(
    told(keyOf('algorithm hmac-md5; secret "AAAA";')),
    /^has the algorithm hmac-md5: a key of hmac-sha256/,
  )
  assert.match(told(keyOf('algorithm hmac-sha256;')), /^has no secret/)
  const one = keyOf('algorithm hmac-sha256; secret "AAAA";')
  assert.match(told(one + one), /^has several keys/)
  assert.equal(told(one), 'read')
})
