/** The body that an origin of the tests answers with: it tells who made it for which request, and every byte is known. */

export function bodyOf(server: string, id: string): string {
  const length = 100 + ((Number(id.replaceAll(/\D/g, '')) * 7919) % 4000)
  const line = `${server} answers ${id};`
  return `${server} ${id}\n${line.repeat(Math.ceil(length / line.length))}\nend of ${id}\n`
}
