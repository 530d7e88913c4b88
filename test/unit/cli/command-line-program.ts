/** Runs the command lines that it is sent, one at a time, and sends back what each said: see command-line.ts. */
import { runCommandLine } from '../../../src/cli/main.ts'
import type { CommandOrder, Outcome } from './command-line.ts'

const home = process.cwd()

/** What is written to `stream` until `end` is called. */
function capture(stream: NodeJS.WriteStream): { text: string; end(): void } {
  // Its own `write` is that of its class.
  const captured = { text: '', end: () => void Reflect.deleteProperty(stream, 'write') }
  stream.write = (piece: Uint8Array | string): boolean => {
    captured.text += piece.toString()
    return true
  }
  return captured
}

async function run({ args, cwd, env }: CommandOrder): Promise<Outcome> {
  process.chdir(cwd ?? home)
  delete process.env['NO_COLOR']
  Object.assign(process.env, env)
  const out = capture(process.stdout)
  const err = capture(process.stderr)
  try {
    const code = await runCommandLine(args)
    return { code, out: out.text, err: err.text }
  } finally {
    out.end()
    err.end()
    for (const name of Object.keys(env ?? {})) delete process.env[name]
  }
}

process.on('message', (order: CommandOrder) => void run(order).then((outcome) => process.send?.(outcome)))
process.on('disconnect', () => process.exit())
