/**
 * A published trace out of a file: CSV with a line of names, of which one tells the object (`lbn`, `obj_id`, `object`,
 * `key` or `id`) and one its `size` in bytes. Such files come with cache simulators; libCacheSim has the one of
 * CloudPhysics (Waldspurger et al., FAST 2015) as data/cloudPhysicsIO.csv. None is part of this project.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Trace } from './traces.ts'

const objectNames: ReadonlySet<string> = new Set(['lbn', 'obj_id', 'object', 'key', 'id'])

export function fileTrace(path: string): Trace {
  const [head = '', ...lines] = readFileSync(path, 'latin1').trimEnd().split('\n')
  const names = head.split(',').map((name) => name.trim())
  const objectAt = names.findIndex((name) => objectNames.has(name))
  const sizeAt = names.indexOf('size')
  if (objectAt < 0 || sizeAt < 0) throw new Error(`${path}: the first line names no object, or no size`)
  const keys: string[] = []
  const bytes: number[] = []
  /** An object keeps the size it had first: another one would be another version. */
  const sizes = new Map<string, number>()
  let footprint = 0
  for (const line of lines) {
    const fields = line.split(',')
    const key = fields[objectAt] ?? ''
    let size = sizes.get(key)
    if (size === undefined) {
      size = Math.max(1, Number(fields[sizeAt]))
      sizes.set(key, size)
      footprint += size
    }
    keys.push(key)
    bytes.push(size)
  }
  return { name: basename(path), keys, bytes, footprint, objects: sizes.size }
}
