/**
 * `npm run build`: `src` compiled to `dist` by tsc (Node strips no types under node_modules, so the package carries
 * JavaScript), together with the files under `src` that are not TypeScript. `dist` is made from nothing each time.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src')
const target = join(root, 'dist')

rmSync(target, { recursive: true, force: true })
const compile = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (compile.status !== 0) process.exit(1)

cpSync(source, target, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || !path.endsWith('.ts'),
})

if (!existsSync(join(target, 'index.js'))) {
  console.error('build: dist/index.js was not made')
  process.exit(1)
}
