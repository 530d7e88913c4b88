/**
 * docs/config.md: what a config may say. The tables come from the schema, the variables from their table; the prose here
 * says what no single key can.
 */
import { stringify } from 'yaml'
import { futureKeys } from '../src/config/document.ts'
import { configJsonSchema, type SchemaNode } from '../src/config/known-keys.ts'
import { defaultFiles, systemDirectory } from '../src/config/load.ts'
import { variableTable } from '../src/engine/variables.ts'

const opening = `# The config

<!-- Made by \`npm run docs\` from the schema in src/config. Edit the descriptions there. -->

A config is one file in one of three spellings, which mean the same:

\`\`\`ts
// headgate.config.ts (or .js, .mjs): completion and type checks in the editor
import { defineConfig } from 'headgate'

export default defineConfig({
  listeners: [80],
  origins: {
    app: ['http://10.0.0.11:3000', 'http://10.0.0.12:3000'],
  },
  sites: {
    'www.example.com': [
      { match: '/old/*', redirect: '/new/$1' },
      { origin: 'app' },
    ],
  },
})
\`\`\`

\`\`\`yaml
# headgate.yaml
# yaml-language-server: $schema=./schema.json
listeners: [80]
origins:
  app: ['http://10.0.0.11:3000', 'http://10.0.0.12:3000']
sites:
  www.example.com:
    - { match: /old/*, redirect: /new/$1 }
    - { origin: app }
\`\`\`

\`headgate.json\` is the same in JSON, where comments and trailing commas are allowed. \`headgate schema\` prints the JSON Schema,
by which editors complete keys and mark mistakes.

Without \`--config\`, \`headgate run\` takes the first of ${defaultFiles.map((name) => `\`${name}\``).join(', ')} in the
current folder, then in \`${systemDirectory}\`. While a config file loads, \`import … from 'headgate'\` means this
installation, wherever the file is. Its default export may also be a promise, or a function that returns a config. Paths in a
config start at the folder of the file; those of unix sockets are absolute.

\`headgate check\` reports all mistakes at once, with line, column and what was probably meant. An unknown key is an error. So is
one of a later version (${[...futureKeys].map((key) => `\`${key}\``).join(', ')} where they do not stand in the tables below),
rather than being ignored silently. A wrong config never replaces a right one: a reload that finds one leaves the old one running.

## Values

- **Durations** are text with units, from large to small: \`"250ms"\`, \`"5s"\`, \`"1m30s"\`, \`"2h"\`, \`"1d"\`,
  \`"2w"\`, \`"1y"\` (365 days); a bare number is milliseconds.
- **Sizes** are text with a unit: \`"64KiB"\` is 65,536 bytes, \`"64kB"\` is 64,000; a bare number is bytes.
- **Networks** are \`"10.0.0.0/8"\`, \`"fd00::/8"\` or a single address. Bits beyond the prefix length are an error.
`

const routing = `## How a request finds its route

1. **The site.** The most specific key of \`sites\` that fits the host: the host itself, else the longest
   \`*.example.com\` (every name below it, at any depth; not \`example.com\` itself), else \`*\`. Ports do not matter.
2. **The route.** The routes of that site in the order written; the first that matches wins. When none does, no other
   site is asked: the answer is 404, and the log says for each route why not.
3. **The steps** of the route, in this order however they are written: \`rewrite\`, \`headers\`, then its end (\`origin\`,
   \`redirect\`, \`respond\`). \`headers.response\` applies to what \`redirect\` and \`respond\` answer, too, but not to
   error answers of ours.

\`match\` asks the *normalised* path: dot segments resolved, empty segments merged, needless escapes undone, so
\`/x/../%61dmin\` is \`/admin\`. What an origin is sent is the target as it came, unless the route rewrites it; a rewrite
works on the normalised path. Some origins decode \`%2F\` before they look, or cut \`;x\` off: where that would make it the
path of a route written before the one that takes it (\`/admin%2Fx\` behind \`/admin/*\`), the request is refused.

| path in \`match\` | takes | captures |
|---|---|---|
| \`/a\` | \`/a\` and nothing else, not \`/a/\` | |
| \`/a/*\` | \`/a\`, \`/a/\` and all below | \`$1\`: what follows \`/a/\`, empty for \`/a\` |
| \`/u/:name\` | a segment that is not empty | \`$1\` and \`{path.name}\` |
| \`/f/*.css\` | any run of characters inside the segment | \`$1\` |
| \`{ regex: '^/a/(\\d+)$' }\` | what the regex finds; not anchored by itself | \`$1\` …, named ones as \`{path.name}\` |
| \`*\`, or no path | everything | |

\`headgate explain GET http://www.example.com/a -H 'Cookie: a=b'\` tells all of this for one request.
`

export function configDocs(): string {
  const schema = configJsonSchema()
  const keys = Object.entries(schema.properties ?? {}).filter(([key]) => key !== '$schema')
  return [
    opening,
    variables(),
    routing,
    '## Keys\n',
    table(
      ['key', 'default', 'what it says'],
      keys.map(([key, node]) => [
        `[\`${key}\`](#${key.toLowerCase()})`,
        defaultText(node, false),
        firstSentence(node),
      ]),
    ),
    ...keys.map(([key, node]) => section(key, node)),
  ].join('\n')
}

function variables(): string {
  const rows = Object.entries(variableTable).map(([key, row]) => [
    `\`{${key}${key.endsWith('.') ? (key === 'header.' || key === 'response.header.' ? 'Name' : 'name') : ''}}\``,
    row.description + (row.needsResponse === true ? ' Only in `headers.response`.' : ''),
  ])
  return `## Variables

\`redirect\`, \`rewrite\`, \`headers\` and the \`headers\` of \`respond\` may hold captures (\`$1\` to \`$99\`) and variables. A name
that is unknown is an error; a value that is missing is empty. \`$$\` is a dollar, \`{{host}}\` the text \`{host}\`. A value
never carries a line break into a field, and in a URL it stays inside the segment or parameter in which it stands.

${table(['variable', 'value'], [['`$1`, `$2` …', 'What the path of `match` captured; in `rewrite.regex` what that regex did.'], ...rows])}`
}

function section(key: string, node: SchemaNode): string {
  const parts = [`## \`${key}\`\n`, `${node.description ?? ''}\n`]
  const fallback = defaultText(node, false)
  parts.push(`Type: ${typeText(node)}.${fallback === '' ? '' : ` Default: ${fallback}.`}\n`)
  for (const example of node.examples ?? []) {
    parts.push('```yaml\n' + stringify({ [key]: example }, { lineWidth: 100 }).trimEnd() + '\n```\n')
  }
  const rows = rowsOf(node, mapNames[key] ?? 'NAME').filter(isNewPath())
  if (rows.length > 0) parts.push(table(['key', 'type', 'default', 'what it says'], rows))
  return parts.join('\n')
}

/** What stands for the keys that people choose. */
const mapNames: Readonly<Record<string, string>> = { origins: 'NAME', sites: 'HOST' }

/** Short forms whose keys stand in the long form, too. */
const shortForms: ReadonlySet<string> = new Set([
  'NAME[].url',
  'NAME[].weight',
  'HOST[].match[].regex',
  'HOST.match[].regex',
])

/** A row for each key of a part of the config, however it is reached: `NAME.servers`, `HOST[].match.path`. */
function rowsOf(node: SchemaNode, mapName: string): string[][] {
  // Only the maps at the top are opened: what is below the others has no keys of its own.
  const maps = formsOf(node).map((form) => form.additionalProperties)
  const inMaps = maps.flatMap((inner) => (typeof inner === 'object' ? rowsBelow(inner, mapName) : []))
  return [...rowsBelow(node, ''), ...inMaps]
}

function rowsBelow(node: SchemaNode, prefix: string): string[][] {
  return formsOf(node).flatMap((form) => {
    const rows: string[][] = []
    for (const [key, child] of Object.entries(form.properties ?? {})) {
      const path = prefix === '' ? key : `${prefix}.${key}`
      rows.push(row(path, child, form.required?.includes(key) === true), ...rowsBelow(child, path))
    }
    if (form.items !== undefined) rows.push(...rowsBelow(form.items, `${prefix}[]`))
    return rows
  })
}

/** One and several (`match.path`, `match.path[]`) are told once. */
function isNewPath(): (row: readonly string[]) => boolean {
  const seen = new Set<string>()
  return ([cell = '']) => {
    const path = cell.replaceAll('`', '')
    const plain = path.replaceAll('[]', '')
    if (shortForms.has(path) || seen.has(plain)) return false
    seen.add(plain)
    return true
  }
}

function row(path: string, node: SchemaNode, isRequired: boolean): string[] {
  const examples = (node.examples ?? []).map((example) => `\`${JSON.stringify(example)}\``)
  const description =
    (node.description ?? '') + (examples.length === 0 ? '' : ` Such as ${examples.join(', ')}.`)
  return [`\`${path}\``, typeText(node), defaultText(node, isRequired), description]
}

function formsOf(node: SchemaNode): SchemaNode[] {
  return node.anyOf === undefined ? [node] : node.anyOf.flatMap(formsOf)
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: '`true` or `false`',
  object: 'object',
  array: 'list',
}

function typeText(node: SchemaNode): string {
  if (node.title !== undefined) return node.title
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``
  if (node.enum !== undefined) return node.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeText))].join(', ')
  if (node.type === 'array') return listText(node)
  const types = [node.type ?? 'object'].flat()
  return types.map((type) => typeNames[type] ?? type).join(', ')
}

function listText(node: SchemaNode): string {
  const { items } = node
  const plain = items !== undefined && items.anyOf === undefined && items.properties === undefined
  return plain ? `list of ${items.title ?? 'text'}` : 'list'
}

function defaultText(node: SchemaNode, isRequired: boolean): string {
  if (isRequired) return '*required*'
  const { default: value } = node
  if (value === undefined) return ''
  const text = JSON.stringify(value)
  return text === '{}' ? '' : `\`${text}\``
}

function firstSentence(node: SchemaNode): string {
  return /^.*?\.(?= |$)/s.exec(node.description ?? '')?.[0] ?? ''
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n') + '\n'
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
