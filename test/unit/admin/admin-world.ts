/** An admin listener for tests: over a target that records what it is told, with a client for it. */
import * as http from 'node:http'
import type { TestContext } from 'node:test'
import { AdminServer, type AdminTarget, type ExplainedBy } from '../../../src/admin/admin.ts'
import type { RequestToExplain } from '../../../src/admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../../../src/admin/warm-body.ts'
import { sumOf, type PurgeTotal } from '../../../src/cache/purge/purge-total.ts'
import type { CertificateReport } from '../../../src/tls/acme/certificate-status.ts'
import type { PurgeRequest } from '../../../src/cache/store/store.ts'

const known = { id: 'p1', count: 3, bytes: 30, stores: 2, sharing: 2, keeping: 1 }
const counted: PurgeTotal = { ...sumOf([]), ...known }

/** Answers as a server would, and records what it is told to do. */
export class FakeTarget implements AdminTarget {
  calls: string[] = []
  state: 'ok' | 'starting' | 'draining' = 'ok'
  isWrong = false

  health(): 'ok' | 'starting' | 'draining' {
    return this.state
  }

  async metrics(): Promise<Record<string, Record<string, number>>> {
    if (this.isWrong) throw new Error('no metrics now')
    return { process_open_fds: { '': 7 } }
  }

  async status(): Promise<object> {
    return { version: '1' }
  }

  async reload(): Promise<{ isTaken: boolean; hash: string; reason: string }> {
    this.calls.push('reload')
    return { isTaken: !this.isWrong, hash: 'h', reason: this.isWrong ? 'line 3' : '' }
  }

  async reopenLogs(): Promise<void> {
    this.calls.push('reopen')
  }

  async explain(request: RequestToExplain): Promise<readonly ExplainedBy[]> {
    return [{ pid: 7, explanation: request }]
  }

  async purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    this.calls.push(JSON.stringify(requests))
    return { ...counted, missing: this.isWrong ? 1 : 0 }
  }

  async purgeTotal(id: string): Promise<PurgeTotal | null> {
    return id === 'p1' ? { ...counted, keeping: 0 } : null
  }

  async warm(order: WarmOrder): Promise<readonly WarmProgress[]> {
    this.calls.push(JSON.stringify(order))
    const progress = {
      isRunning: true,
      total: 2,
      done: 1,
      hits: 0,
      fetched: 1,
      passed: 0,
      failed: 0,
      bytes: 9,
    }
    return [
      { ...progress, sitemaps: 0, tookMs: 5, failures: [] },
      { ...progress, isRunning: false, done: 2, sitemaps: 1, tookMs: 9, failures: [] },
    ]
  }

  async certificates(): Promise<CertificateReport> {
    return { isLeader: true, certificates: [] }
  }

  async renewCertificates(names: readonly string[]): Promise<readonly string[]> {
    this.calls.push('renew ' + names.join(' '))
    return names
  }

  drain(): void {
    this.calls.push('drain')
  }

  stop(): void {
    this.calls.push('stop')
  }
}

export interface Answer {
  status: number
  text: string
  headers: http.IncomingHttpHeaders
}

export interface World {
  target: FakeTarget
  admin: AdminServer
  readonly ask: (
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ) => Promise<Answer>
}

/** An admin listener on the loopback over a FakeTarget. It is closed with its test. */
export async function onLoopback(t: TestContext): Promise<World> {
  const target = new FakeTarget()
  const admin = new AdminServer(target)
  await admin.listen('127.0.0.1:0')
  t.after(() => admin.close())
  const ask: World['ask'] = (method, path, headers = {}, body = '') =>
    new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: admin.port, method, path, headers, agent: false }
      const request = http.request(where, (response) => {
        let text = ''
        response.on('data', (piece: Buffer) => (text += piece.toString()))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
        )
      })
      request.on('error', reject).end(body)
    })
  return { target, admin, ask }
}
