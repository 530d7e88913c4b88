/**
 * `node bench/idle.ts [--connections N] [--tls] [--only NAME]`: what a kept-alive connection that does nothing costs. Opens
 * N connections (10,000), has each serve two requests, lets them rest, and compares the memory of the proxy with what it was
 * before. nginx is measured the same way when it is installed; --only leaves the other out.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeIdentityFiles } from './identity.ts'
import { measureIdle, startHeadgate, startOrigin, type Subject } from './idle-load.ts'
import { nginxPeers } from './peers/nginx.ts'
import { freePort, memoryBytes, Program } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    tls: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const connections = Number(options.connections)
const folder = mkdtempSync(join(tmpdir(), 'headgate-idle-'))
const identity = options.tls ? await makeIdentityFiles(folder) : null

async function startNginx(originPort: number): Promise<Subject | null> {
  const peer = nginxPeers[0]
  if (peer === undefined || peer.missing() !== '') return null
  const port = await freePort()
  const command = peer.command({ folder, port, originPort, accessLog: false, identity })
  const program = Program.start(peer.name, command, 0, join(folder, 'out'))
  await program.listening(port)
  return {
    name: 'nginx',
    port,
    isSecure: identity !== null,
    memory: () => Promise.resolve(memoryBytes(program.pid)),
    stop: () => program.stop(),
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}

async function run(subject: Subject): Promise<void> {
  const { beforeBytes, afterBytes, bytesEach, alive } = await measureIdle(subject, connections)
  const kibibytes = (bytesEach / 1024).toFixed(2)
  const from = `${mebibytes(beforeBytes)} → ${mebibytes(afterBytes)} MiB`
  console.log(`${subject.name}: ${kibibytes} KiB a connection (${from}, ${alive} of ${connections} open)`)
  await subject.stop()
}

const origin = await startOrigin()
const { port: originPort } = origin.address() as AddressInfo
const nginx = options.only === 'headgate' ? null : await startNginx(originPort)
if (nginx !== null) await run(nginx)
if (options.only !== 'nginx') await run(await startHeadgate(originPort, identity))
origin.closeAllConnections()
origin.close()
rmSync(folder, { recursive: true, force: true })
