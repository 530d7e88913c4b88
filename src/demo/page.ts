/**
 * The demo's page: one HTML file that includes its styles and scripts, assembled at the start from the files in
 * `page/`. It loads nothing from anywhere else, and its Content-Security-Policy allows nothing else: style and script
 * only by their hash, connections only to where it came from.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const styleNames = ['style.css', 'controls.css', 'cards.css']
const scriptNames = ['tools.js', 'balance.js', 'fields.js', 'streams.js', 'transfers.js']

export interface Page {
  readonly html: Buffer
  readonly policy: string
}

function read(name: string): string {
  return readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8')
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

/** `facts` replaces `{{name}}` in the HTML. */
export function makePage(facts: Readonly<Record<string, string>>): Page {
  const style = styleNames.map(read).join('')
  const script = `'use strict'\n;(() => {\n${scriptNames.map((name) => `{\n${read(name)}}`).join('\n')}\n})()\n`
  let html = read('index.html')
  for (const [name, value] of Object.entries(facts))
    html = html.replaceAll(`{{${name}}}`, () => escapeHtml(value))
  // Functions as replacements: a text as replacement would have `$&` in it expanded.
  html = html.replace('<!-- style -->', () => `<style>${style}</style>`)
  html = html.replace('<!-- script -->', () => `<script>${script}</script>`)
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return { html: Buffer.from(html), policy }
}
