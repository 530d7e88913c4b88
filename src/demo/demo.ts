/**
 * The demo: three small origins, each a process of its own, Headgate in front of them with the config below, and a page
 * that shows what happens. It listens on the loopback only: the page can kill the origins.
 */
import { defineConfig, type HeadgateConfig } from '../config/document.ts'
import { createServer } from '../server.ts'
import { Desk } from './desk.ts'
import { OriginGroup } from './origin-group.ts'
import { makePage } from './page.ts'

export const originNames: readonly string[] = ['alder', 'birch', 'cedar']

export interface DemoOptions {
  readonly port: number
  readonly version: string
}

export interface Demo {
  readonly url: string
  close(): Promise<void>
}

function configOf(port: number, servers: readonly string[], desk: string): HeadgateConfig {
  return defineConfig({
    listeners: [{ host: '127.0.0.1', port }],
    origins: {
      app: { servers: [...servers], balance: 'round-robin' },
      desk,
    },
    sites: {
      '*': [{ match: '/api/*', origin: 'app' }, { origin: 'desk' }],
    },
    workers: 1,
    drainTimeout: '1s',
    log: { access: false, level: 'error' },
  })
}

/** The config as the page shows it: what matters of it, as one would write it. */
function configText(port: number, servers: readonly string[], desk: string): string {
  return `import { defineConfig } from 'headgate'

export default defineConfig({
  listeners: [{ host: '127.0.0.1', port: ${port} }],
  origins: {
    app: [${servers.map((server) => `'${server}'`).join(', ')}],
    desk: '${desk}',
  },
  sites: {
    '*': [{ match: '/api/*', origin: 'app' }, { origin: 'desk' }],
  },
})`
}

/** Starts everything, or nothing: what was started is stopped again when a later part fails. Rejects with the cause. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const origins = new OriginGroup(originNames)
  let desk: Desk | null = null
  try {
    await origins.start()
    const servers = origins.states().map((state) => `http://127.0.0.1:${state.port}`)
    const facts = { version: options.version, node: process.version, port: String(options.port) }
    // The page shows the desk's address, so the desk listens before it has a page.
    desk = new Desk(origins)
    const deskUrl = `http://127.0.0.1:${await desk.listen()}`
    desk.page = makePage({ ...facts, config: configText(options.port, servers, deskUrl) })
    const server = await createServer(configOf(options.port, servers, deskUrl))
    await server.listen()
    const port = server.addresses[0]?.port ?? options.port
    return { url: `http://localhost:${port}`, close: () => closeAll(server, desk, origins) }
  } catch (error) {
    await closeAll(null, desk, origins)
    throw error
  }
}

interface Closable {
  close(): Promise<unknown>
}

async function closeAll(server: Closable | null, desk: Closable | null, origins: OriginGroup): Promise<void> {
  await server?.close()
  await desk?.close()
  await origins.close()
}
