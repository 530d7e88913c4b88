/**
 * What thousands of sites cost: the time until a config of them is compiled, the memory that it takes, and for how long a
 * reload keeps the event loop, and so everybody who is served, waiting at a stretch. Each site has a route with a cache,
 * and of so many as are asked for a certificate of its own.
 *
 *     node --expose-gc bench/many-sites.ts [sites] [certificates]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, loadConfig } from '../src/index.ts'
import { makeKey, pemOfKey } from '../src/tls/keys.ts'
import { makeCertificate, pemOfCertificate } from '../src/tls/x509.ts'

const dayMs = 86_400_000
const reloads = 3
const collect = (globalThis as { gc?: () => void }).gc
if (collect === undefined) throw new Error('run it with --expose-gc')

const sites = Number(process.argv[2] ?? 10_000)
const certificates = Number(process.argv[3] ?? 0)
const folder = mkdtempSync(join(tmpdir(), 'headgate-sites-'))
const names = Array.from({ length: sites }, (_, i) => `site${i}.example.com`)

async function identityOf(name: string): Promise<{ cert: string; key: string }> {
  const key = await makeKey('p256')
  const span = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + 30 * dayMs }
  const cert = makeCertificate({ commonName: name, names: [name], key, ...span })
  return { cert: pemOfCertificate(cert), key: pemOfKey(key) }
}

const identities = await Promise.all(names.slice(0, certificates).map(identityOf))
const file = join(folder, 'headgate.json')
const config = {
  listeners: [{ host: '127.0.0.1', port: 0, tls: certificates > 0 }],
  ...(certificates > 0 ? { tls: { certificates: identities } } : {}),
  origins: { app: 'http://127.0.0.1:1' },
  sites: Object.fromEntries(names.map((name) => [name, [{ origin: 'app', cache: true }]])),
}
writeFileSync(file, JSON.stringify(config))

async function memoryBytes(): Promise<number> {
  collect?.()
  await sleep(50)
  collect?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const before = await memoryBytes()
const startMs = performance.now()
const server = await createServer(await loadConfig(file))
const tookMs = performance.now() - startMs
const perSite = ((await memoryBytes()) - before) / sites
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
for (let i = 0; i < reloads; i++) {
  await server.reload(await loadConfig(file))
  await sleep(100)
}
delay.disable()
await server.close()
rmSync(folder, { recursive: true })
console.log(`${sites} sites, ${certificates} certificates`)
console.log(`read and compiled in ${tookMs.toFixed(0)} ms`)
console.log(`memory ${(perSite / 1024).toFixed(1)} KiB a site`)
console.log(`longest stretch of ${reloads} reloads ${(delay.max / 1e6).toFixed(0)} ms`)
