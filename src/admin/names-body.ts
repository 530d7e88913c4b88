/** The body of a POST about names: `{"names": ["www.example.com"]}`; an empty body means all of them. */
import { z } from 'zod'

const schema = z.strictObject({ names: z.array(z.string().min(1).max(255)).max(10_000).default([]) })

/** The names, lower case; or what is wrong, in a sentence. */
export function readNames(text: string): readonly string[] | string {
  if (text.trim() === '') return []
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'the body is not JSON'
  }
  const read = schema.safeParse(value)
  if (!read.success) return 'the body is {"names": ["www.example.com", …]}'
  return read.data.names.map((name) => name.toLowerCase())
}
