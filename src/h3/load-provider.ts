/** Loads the provider of QUIC when a listener asks for HTTP/3, and not before: its package is optional, and large. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CurrentSpaceProvider, type NativeBinding } from './current-space.ts'
import type { QuicProvider } from './provider.ts'

export const providerPackage = '@currentspace/http3'
/** The versions that were tried. */
const versionPattern = /^0\.9\./

/** Beside this program, then in the folder it was started in. */
const usualPlaces = [import.meta.url, join(process.cwd(), 'headgate.config.js')]

/**
 * `places`: files beside which it may be installed. Throws a sentence with the remedy when it is not there or
 * cannot be used.
 */
export function loadProvider(places: readonly string[] = usualPlaces): QuicProvider {
  const entry = findEntry(places)
  if (entry === '')
    throw new Error(
      `HTTP/3 needs the package ${providerPackage}, which is not installed: npm install ${providerPackage}@0.9`,
    )
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as {
    version: string
  }
  if (!versionPattern.test(version))
    throw new Error(
      `HTTP/3 was made for ${providerPackage} 0.9, and ${version} is installed: npm install ${providerPackage}@0.9`,
    )
  try {
    const inside = createRequire(entry)(join(dirname(entry), 'event-loop.js')) as {
      getBinding(): NativeBinding
    }
    return new CurrentSpaceProvider(inside.getBinding(), version)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${providerPackage} ${version} cannot be loaded on this machine: ${reason}`, {
      cause: error,
    })
  }
}

function findEntry(places: readonly string[]): string {
  for (const place of places) {
    try {
      return createRequire(place).resolve(providerPackage)
    } catch {
      continue
    }
  }
  return ''
}
