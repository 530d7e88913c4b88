/**
 * Packs the package, installs it into an empty folder and uses it as a stranger would: the `headgate` program, the
 * library from JavaScript, and its types. Fails when anything of the three does.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules/.bin')
/** The program asks for a newer Node than the machine may have: the pinned one goes first. */
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` }

const typedConsumer = `import { createServer, defineConfig } from 'headgate'

const config = defineConfig({
  listeners: [{ port: 0 }],
  origins: { app: 'http://127.0.0.1:9' },
  sites: { '*': [{ origin: 'app' }] },
})
const server = await createServer(config)
await server.listen()
await server.reload(config)
await server.close()
`

const wrongConsumer = `import { defineConfig } from 'headgate'
export default defineConfig({ listeners: [{ prot: 80 }] })
`

/** Runs a program to its end and gives what it wrote; anything but exit code 0 ends this script. */
function must(folder: string, program: string, ...rest: string[]): string {
  const done = spawnSync(program, rest, { cwd: folder, env, encoding: 'utf8', timeout: 180_000 })
  if (done.status === 0) return done.stdout
  console.error(
    `pack-smoke: ${program} ${rest.join(' ')} gave ${done.status ?? done.signal ?? String(done.error)}`,
  )
  console.error(done.stdout + done.stderr)
  throw new Error('the package does not work')
}

function writeConsumer(folder: string): void {
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  )
  writeFileSync(join(folder, 'consumer.ts'), typedConsumer)
  writeFileSync(join(folder, 'wrong.ts'), wrongConsumer)
  const compilerOptions = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true }
  // The declarations speak of Buffer and streams. With the types of Node they hold to the last line; a project that
  // has not got them skips the check of libraries, as most do.
  const typeRoots = [join(root, 'node_modules/@types')]
  const withNode = { ...compilerOptions, typeRoots, types: ['node'], skipLibCheck: false }
  const withoutNode = { ...compilerOptions, types: [], skipLibCheck: true }
  const write = (name: string, options: object, file: string): void =>
    writeFileSync(join(folder, name), JSON.stringify({ compilerOptions: options, files: [file] }))
  write('with-node.json', withNode, 'consumer.ts')
  write('without-node.json', withoutNode, 'consumer.ts')
  write('wrong.json', withoutNode, 'wrong.ts')
}

/** The types must also refuse: a wrong key in a config is an error. */
function mustBeRefused(folder: string): void {
  const wrong = spawnSync('tsc', ['-p', 'wrong.json'], { cwd: folder, env, encoding: 'utf8' })
  if (wrong.status === 0) throw new Error('the types let a wrong key pass')
}

/** The demo has files beside its code (the page) and starts processes: both must be found in the package. */
async function mustDemo(folder: string): Promise<void> {
  const demo = spawn('node_modules/.bin/headgate', ['demo', '--port', '0'], { cwd: folder, env })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = ''
      demo.stdout.on('data', (bytes: Buffer) => {
        said += bytes.toString()
        const match = /http:\/\/localhost:(\d+)/.exec(said)
        if (match !== null) resolve(`http://127.0.0.1:${match[1]}`)
      })
      demo.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
      demo.once('exit', () => reject(new Error(`the demo ended: ${said}`)))
    })
    const [page, api] = await Promise.all([fetch(url), fetch(`${url}/api/hello`)])
    if (!page.ok || !api.ok) throw new Error(`the demo answered ${page.status} and ${api.status}`)
  } finally {
    demo.kill('SIGTERM')
  }
}

async function smoke(folder: string): Promise<void> {
  must(root, 'npm', 'pack', '--silent', '--pack-destination', folder)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no file')
  writeConsumer(folder)
  must(folder, 'npm', 'install', '--silent', '--no-audit', '--no-fund', join(folder, tarball))
  console.log(`headgate version: ${must(folder, 'node_modules/.bin/headgate', 'version').trim()}`)
  must(folder, 'node', '--input-type=module', '--eval', typedConsumer)
  console.log('library: listens, reloads, closes')
  await mustDemo(folder)
  console.log('demo: page and origins answer')
  must(folder, 'tsc', '-p', 'with-node.json')
  must(folder, 'tsc', '-p', 'without-node.json')
  mustBeRefused(folder)
  console.log('types: hold, with and without @types/node, and refuse a wrong key')
}

const folder = mkdtempSync(join(tmpdir(), 'headgate-pack-'))
try {
  await smoke(folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
