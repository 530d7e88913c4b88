/**
 * What requests ask for, folded into few values: Accept, Accept-Encoding and Accept-Language into the best of what a
 * site has, User-Agent into a kind of device. Without a list of what the site has, preferences are only brought into
 * one order, since `gzip, br` and `br,gzip` say the same (RFC 9110 §12.4.2).
 *
 * Browsers send few different values, and the same ones again and again, so results are remembered by the text of the
 * field.
 */
import { trimSpace } from '../../http/tokens.ts'

interface Preference {
  readonly name: string
  /** 0 to 1000. */
  readonly weight: number
}

/** How many texts one table remembers. Texts longer than `textCharactersMax` are read each time. */
const rememberedMax = 1000
const textCharactersMax = 300

class Memory {
  readonly #results = new Map<string, string>()

  get(text: string): string | undefined {
    return this.#results.get(text)
  }

  /** When it is full it forgets everything: the common texts are back at once. */
  keep(text: string, result: string): string {
    if (text.length > textCharactersMax) return result
    if (this.#results.size >= rememberedMax) this.#results.clear()
    this.#results.set(text, result)
    return result
  }
}

/**
 * The members of a list with their weights, in lower case; an unreadable weight counts as 1, as in most
 * servers.
 */
function readPreferences(text: string): Preference[] {
  const list: Preference[] = []
  for (const member of text.toLowerCase().split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => trimSpace(part))
    if (name === '') continue
    let rest = name
    let weight = 1000
    for (const parameter of parameters) {
      const q = /^q=([01](?:\.\d{0,3})?)$/.exec(parameter.replaceAll(' ', ''))
      if (q === null) rest += ';' + parameter
      else weight = Math.min(1000, Math.round(Number(q[1]) * 1000))
    }
    list.push({ name: rest, weight })
  }
  return list
}

const ordered = new Memory()

/**
 * The same preferences in one spelling: lower case, without space, by falling weight and then by name. A text
 * with quoted strings stays as it is.
 */
export function orderedPreferences(text: string): string {
  const known = ordered.get(text)
  if (known !== undefined) return known
  if (text.includes('"')) return text
  const list = readPreferences(text)
  list.sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const spelt = list.map(({ name, weight }) => (weight === 1000 ? name : `${name};q=${weight / 1000}`))
  return ordered.keep(text, spelt.join(','))
}

/**
 * The weight that `text` gives to a name: by the name itself, by one of its `ranges`, or by what `any` stands
 * for.
 */
function weightOf(list: readonly Preference[], ranges: readonly string[]): number {
  for (const range of ranges) {
    for (const { name, weight } of list) if (name === range) return weight
  }
  return 0
}

class Chooser {
  readonly #memories = new Map<readonly string[], Memory>()
  readonly #rangesOf: (name: string) => readonly string[]
  /** What is chosen when nothing of the list is accepted. */
  readonly #otherwise: (available: readonly string[]) => string

  constructor(rangesOf: (name: string) => readonly string[], otherwise: (a: readonly string[]) => string) {
    this.#rangesOf = rangesOf
    this.#otherwise = otherwise
  }

  /** Chooses by weight, and among equals the one that the site names first. */
  best(text: string | undefined, available: readonly string[]): string {
    if (text === undefined) return this.#otherwise(available)
    const memory = this.#memoryOf(available)
    return memory.get(text) ?? memory.keep(text, this.#choose(text, available))
  }

  #memoryOf(available: readonly string[]): Memory {
    let memory = this.#memories.get(available)
    if (memory === undefined) {
      // Lists live as long as their config; after many reloads the old ones are forgotten.
      if (this.#memories.size >= 100) this.#memories.clear()
      memory = new Memory()
      this.#memories.set(available, memory)
    }
    return memory
  }

  #choose(text: string, available: readonly string[]): string {
    const list = readPreferences(text)
    let best = ''
    let bestWeight = 0
    for (const name of available) {
      const weight = weightOf(list, this.#rangesOf(name.toLowerCase()))
      if (weight > bestWeight) {
        best = name
        bestWeight = weight
      }
    }
    return bestWeight === 0 ? this.#otherwise(available) : best
  }
}

const encodings = new Chooser(
  (name) => (name === 'gzip' ? ['gzip', 'x-gzip', '*'] : [name, '*']),
  () => '',
)
const types = new Chooser(
  (name) => [name, name.slice(0, name.indexOf('/') + 1) + '*', '*/*'],
  (available) => available.at(-1) ?? '',
)
const languages = new Chooser(languageRanges, (available) => available[0] ?? '')

/** 'de-CH' matches 'de-ch', 'de' and '*'; a client that asks for 'de-de' finds 'de' alone through its own list. */
function languageRanges(name: string): readonly string[] {
  const ranges: string[] = []
  for (let tag = name; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) ranges.push(tag)
  ranges.push('*')
  return ranges
}

/** The best content coding of `available` for an Accept-Encoding; '' = identity, also when nothing fits. */
export function bestEncoding(accept: string | undefined, available: readonly string[]): string {
  return encodings.best(accept, available)
}

/** The best media type of `available`; the last one, which every client should understand, when nothing fits. */
export function bestType(accept: string | undefined, available: readonly string[]): string {
  return types.best(accept, available)
}

/**
 * The best language of `available`; the first one when nothing fits. A client that asks for 'de-DE' only is content
 * with 'de' (RFC 4647 §3.4: lookup).
 */
export function bestLanguage(accept: string | undefined, available: readonly string[]): string {
  return languages.best(accept === undefined ? undefined : widened(accept), available)
}

const widening = new Memory()

/** Adds, for each 'de-DE', the tag without its last part, with a weight just below. */
function widened(accept: string): string {
  if (!accept.includes('-')) return accept
  const known = widening.get(accept)
  if (known !== undefined) return known
  const list = readPreferences(accept)
  const names = new Set(list.map(({ name }) => name))
  const wide: string[] = list.map(({ name, weight }) => `${name};q=${weight / 1000}`)
  for (const { name, weight } of list) {
    const parent = name.slice(0, Math.max(0, name.lastIndexOf('-')))
    if (parent === '' || names.has(parent)) continue
    names.add(parent)
    wide.push(`${parent};q=${Math.max(0, weight - 1) / 1000}`)
  }
  return widening.keep(accept, wide.join(','))
}

export type Device = 'phone' | 'tablet' | 'desktop'

const devices = new Memory()

/** The kind of device that a User-Agent names; 'desktop' when it names none. */
export function deviceOf(userAgent: string): Device {
  const known = devices.get(userAgent)
  if (known !== undefined) return known as Device
  return devices.keep(userAgent, readDevice(userAgent)) as Device
}

function readDevice(userAgent: string): Device {
  if (/iPad|Tablet|PlayBook|Silk\//.test(userAgent)) return 'tablet'
  // Android says 'Mobile' on phones and leaves it out on tablets.
  if (userAgent.includes('Android')) return userAgent.includes('Mobile') ? 'phone' : 'tablet'
  return /Mobi|iPhone|iPod/.test(userAgent) ? 'phone' : 'desktop'
}
