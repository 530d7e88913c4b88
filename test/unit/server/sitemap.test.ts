import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { readSitemap, sitemapBytesMax } from '../../../src/server/sitemap.ts'

const read = (text: string | Buffer) => readSitemap(Buffer.from(text))

test('a sitemap in XML gives its URLs, with references resolved', async () => {
  const text = `\uFEFF<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <url><loc> https://www.example.com/?a=1&amp;b=&#50;&#x33; </loc><lastmod>2026-01-01</lastmod></url>
  <url><loc><![CDATA[https://www.example.com/c?d=1&e=2]]></loc></url>
  <url><image:loc>https://www.example.com/i.png</image:loc></url>
</urlset>`
  assert.deepEqual(await read(text), {
    isIndex: false,
    urls: [
      'https://www.example.com/?a=1&b=23',
      'https://www.example.com/c?d=1&e=2',
      'https://www.example.com/i.png',
    ],
  })
})

test('an index of sitemaps is told from a list of URLs', async () => {
  const text = '<sitemapindex><sitemap><loc>http://a/1.xml.gz</loc></sitemap></sitemapindex>'
  assert.deepEqual(await read(text), { isIndex: true, urls: ['http://a/1.xml.gz'] })
})

test('a text has one URL a line', async () => {
  assert.deepEqual((await read('# all\r\nhttp://a/1\r\n\nhttp://a/2')).urls, ['http://a/1', 'http://a/2'])
})

test('gzip is unpacked, and not beyond the bound', async () => {
  assert.deepEqual((await read(gzipSync('http://a/1'))).urls, ['http://a/1'])
  await assert.rejects(read(gzipSync(Buffer.alloc(sitemapBytesMax + 1, 'a'))))
  await assert.rejects(read(Buffer.from([0x1f, 0x8b, 1, 2, 3])))
})
