/** The program that a supervisor runs unless a test names another. */
export { createServer, loadConfig } from '../server.ts'
