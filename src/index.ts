/**
 * Headgate as a library.
 *
 * ```ts
 * import { createServer } from 'headgate'
 *
 * const server = await createServer({
 *   listeners: [{ port: 8080 }],
 *   origins: { app: 'http://127.0.0.1:3000' },
 *   sites: { '*': [{ origin: 'app' }] },
 * })
 * await server.listen()
 * ```
 */
export { defineConfig, type HeadgateConfig } from './config/document.ts'
export {
  createServer,
  loadConfig,
  type BoundAddress,
  type CloseReport,
  type HeadgateServer,
  type LoadedConfig,
  type ServerOptions,
} from './server.ts'
export type { MetricsSnapshot } from './engine/observe.ts'
