/**
 * Reads the file of a TSIG key as `tsig-keygen` writes it and `named` includes it:
 *
 *     key "name" { algorithm hmac-sha256; secret "base64"; };
 */
import { tsigAlgorithms, type TsigAlgorithm, type TsigKey } from './tsig.ts'

/** The key, or what is wrong, to follow the file's name. */
export function readKeyFile(text: string): TsigKey | string {
  // A secret in base64 may hold '//', so quoted text is passed over.
  const plain = text.replace(
    /("[^"\n]*")|\/\*[^]*?\*\/|(?:\/\/|#).*/g,
    (_, quoted: string | undefined) => quoted ?? ' ',
  )
  const keys = [...plain.matchAll(/\bkey\s+"?([^\s"{;]+)"?\s*\{([^}]*)\}/g)]
  const [key] = keys
  if (key === undefined)
    return 'has no key as `tsig-keygen` writes it: key "name" { algorithm …; secret "…"; };'
  if (keys.length > 1) return 'has several keys: which of them is meant cannot be told'
  const [, name = '', body = ''] = key
  const algorithm = /\balgorithm\s+"?([\w-]+)"?\s*;/.exec(body)?.[1] ?? ''
  const secret = /\bsecret\s+"?([A-Za-z0-9+/=]+)"?\s*;/.exec(body)?.[1] ?? ''
  const known = tsigAlgorithms.find((each) => each === algorithm.toLowerCase())
  if (known === undefined) {
    const which = algorithm === '' ? 'names no algorithm' : `has the algorithm ${algorithm}`
    return `${which}: a key of ${tsigAlgorithms.join(', ')} is needed (tsig-keygen -a hmac-sha256 ${name})`
  }
  return secret === '' ? 'has no secret in base64' : tsigKeyOf({ name, algorithm: known, secret })
}

export interface WrittenKey {
  readonly name: string
  readonly algorithm: TsigAlgorithm
  /** In base64. */
  readonly secret: string
}

export function tsigKeyOf({ name, algorithm, secret }: WrittenKey): TsigKey {
  return { name: name.toLowerCase().replace(/\.$/, ''), algorithm, secret: Buffer.from(secret, 'base64') }
}
