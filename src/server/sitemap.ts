/**
 * Sitemaps (sitemaps.org): the URLs that a list names, in any of its forms: XML with URLs, XML with other sitemaps,
 * or a text with one URL per line; each possibly gzipped. They are read with a bound, and of XML only <loc> is
 * understood.
 */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

/** The protocol's own bound, uncompressed. */
export const sitemapBytesMax: number = 50 * 1024 * 1024

export interface Sitemap {
  /** Does it list other sitemaps? */
  readonly isIndex: boolean
  readonly urls: readonly string[]
}

const gunzipAsync = promisify(gunzip)

/** Rejects when it is gzip that cannot be unpacked, or is longer than `sitemapBytesMax`. */
export async function readSitemap(bytes: Buffer): Promise<Sitemap> {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
  const plain = isPacked ? await gunzipAsync(bytes, { maxOutputLength: sitemapBytesMax }) : bytes
  const text = plain.toString('utf8').replace(/^\uFEFF/, '')
  return /^\s*</.test(text) ? readXml(text) : { isIndex: false, urls: readLines(text) }
}

function readXml(text: string): Sitemap {
  const urls: string[] = []
  for (const [, marked, plain] of text.matchAll(
    /<(?:\w+:)?loc\s*>\s*(?:<!\[CDATA\[([^\]]*)\]\]>|([^<]*))\s*<\/(?:\w+:)?loc\s*>/gi,
  )) {
    const url = (marked ?? unescapeXml(plain ?? '')).trim()
    if (url !== '') urls.push(url)
  }
  return { isIndex: /<(?:\w+:)?sitemapindex[\s>]/i.test(text), urls }
}

function readLines(text: string): string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return named[String(name).toLowerCase()] ?? whole
    const point = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal)
    return point <= 0x10_ff_ff ? String.fromCodePoint(point) : whole
  })
}
