/**
 * Hit ratios by requests and by bytes of S3-FIFO as the memory store has it (src/cache/memory/admission.ts) against LRU and
 * W-TinyLFU, on three traces (traces.ts) at four sizes.
 *
 *     node bench/cache/hit-ratio.ts [requests]
 *     node bench/cache/hit-ratio.ts FILE.csv      a published one (trace-file.ts) instead
 */
import { Lru, S3Fifo, TinyLfu, type Policy } from './policies.ts'
import { fileTrace } from './trace-file.ts'
import { cdnTrace, scanTrace, zipfTrace, type Trace } from './traces.ts'

const [what = '1000000'] = process.argv.slice(2)
const requests = Number(what)
const objects = Math.floor(requests / 10)
/** Parts of all bytes that are ever asked for. */
const shares = [0.005, 0.02, 0.05, 0.2]

function run(trace: Trace, policy: Policy): { hits: number; byteHits: number; nanoseconds: number } {
  let hits = 0
  let hitBytes = 0
  let bytes = 0
  const begin = process.threadCpuUsage()
  for (let i = 0; i < trace.keys.length; i++) {
    const size = trace.bytes[i] as number
    bytes += size
    if (policy.ask(trace.keys[i] as string, size)) {
      hits++
      hitBytes += size
    }
  }
  const { user, system } = process.threadCpuUsage(begin)
  const count = trace.keys.length
  return { hits: hits / count, byteHits: hitBytes / bytes, nanoseconds: ((user + system) * 1000) / count }
}

const percent = (x: number) => (x * 100).toFixed(1).padStart(7)

function* traces(): Generator<Trace> {
  if (Number.isNaN(requests)) yield fileTrace(what)
  else for (const make of [zipfTrace, scanTrace, cdnTrace]) yield make(requests, objects, 3)
}

for (const trace of traces()) {
  const size = `${(trace.footprint / 2 ** 30).toFixed(2)} GiB in ${trace.objects} objects`
  console.log(`\n${trace.name}: ${trace.keys.length} requests, ${size}`)
  console.log('  share of bytes | policy           | hits %  | bytes % | ns each')
  for (const share of shares) {
    const bytesMax = trace.footprint * share
    const entries = trace.objects * share
    const policies = [
      new Lru(bytesMax),
      new S3Fifo(bytesMax),
      new TinyLfu(bytesMax, entries),
      new TinyLfu(bytesMax, entries, 0.1),
    ]
    for (const policy of policies) {
      const { hits, byteHits, nanoseconds } = run(trace, policy)
      const row = [
        percent(share),
        policy.name.padEnd(16),
        percent(hits),
        percent(byteHits),
        nanoseconds.toFixed(0),
      ]
      console.log('  ' + row.join(' | '))
    }
  }
}
