/**
 * `node test/fuzz/run.ts NAME [--seconds 60] [--seed 1]`: runs a fuzz target from a seed on until the time
 * is over. A failure prints its seed, the input and what did not hold, and ends with code 1.
 */
import { parseArgs } from 'node:util'
import { chunked } from './chunked.ts'
import { clientHello } from './client-hello.ts'
import { head } from './head.ts'
import { h2Frames } from './h2-frames.ts'
import { hpack } from './hpack.ts'
import { inputOf, type FuzzTarget } from './mutate.ts'
import { proxyHeader } from './proxy-header.ts'
import { target } from './target.ts'

const targets: Readonly<Record<string, FuzzTarget>> = {
  head,
  chunked,
  target,
  hpack,
  'h2-frames': h2Frames,
  'proxy-header': proxyHeader,
  'client-hello': clientHello,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
})

const name = positionals[0] ?? ''
const chosen = targets[name]
if (chosen === undefined) {
  console.error(`which target? ${Object.keys(targets).join(', ')}`)
  process.exitCode = 1
} else {
  process.exitCode = fuzz(chosen, Number(values.seed), Number(values.seconds) * 1000)
}

function fuzz(target: FuzzTarget, firstSeed: number, lastsMs: number): number {
  const endMs = performance.now() + lastsMs
  let seed = firstSeed
  for (; performance.now() < endMs; seed++) {
    const input = inputOf(target, seed)
    try {
      target.run(input)
    } catch (error) {
      console.error(`seed ${seed}: ${JSON.stringify(input.toString('latin1'))}`)
      console.error(error)
      return 1
    }
  }
  console.log(`${name}: seeds ${firstSeed} to ${seed - 1} hold`)
  return 0
}
