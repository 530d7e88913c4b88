/**
 * The program that is run unless a test names another.
 */
export { createServer, loadConfig } from '../server.ts'
