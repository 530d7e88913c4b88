import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../../../src/cache/disk/accounts.ts'
import { Ledger, type LedgerLimits } from '../../../../src/cache/disk/ledger.ts'
import { factsOfKey } from '../../../../src/cache/disk/record.ts'
import type { PurgeReport, PurgeTarget } from '../../../../src/cache/store/purge-request.ts'
import { Random } from '../../../sim/random.ts'
import { ManualClock } from '../../../story/manual-clock.ts'

const host = 'a.example'
const all: PurgeTarget = { kind: 'all' }

class World {
  readonly clock = new ManualClock()
  readonly accounts = new Accounts(1e12)
  readonly ledger: Ledger

  constructor(limits?: LedgerLimits) {
    this.ledger = new Ledger(this.clock, this.accounts, limits)
    this.ledger.complete()
    this.settle()
  }

  settle(): void {
    this.clock.advance(1000)
  }

  put(name: string, target: string, tags: readonly string[] = [], more = ''): void {
    const before = this.accounts.get(name)
    if (before !== null) this.ledger.leave(before)
    const account = this.accounts.add(name, 10)
    this.ledger.enter(account, factsOfKey(`https://${host}${target}\nsite\nzone${more}`, tags))
  }

  remove(name: string): void {
    const account = this.accounts.get(name)
    if (account === null) return
    this.ledger.leave(account)
    this.accounts.remove(account)
  }

  purge(target: PurgeTarget, isDry = false): PurgeReport {
    const report = this.ledger.purge({ target, isDry })
    this.settle()
    return report
  }
}

test('a URL with very many answers is counted by the walk, and each once', () => {
  const world = new World()
  for (let i = 0; i < 700; i++) world.put(`n${i}`, '/a', [], `\nwho ${i}`)
  world.put('other', '/b')
  const url: PurgeTarget = { kind: 'url', host, target: '/a' }
  assert.equal(world.purge(url, true).count, 700)
  const report = world.purge(url)
  assert.deepEqual([report.count, report.bytes, report.isCounted], [700, 7000, true])
  assert.equal(world.purge(url).count, 0)
  assert.equal(world.purge(all).count, 1)
})

test('beyond what it has room for counts are least ones, until there is room again', () => {
  const limits: LedgerLimits = { membersMax: 10, recordsMax: 8, tagsMax: 12 }
  const over: readonly [string, (world: World) => void, number][] = [
    ['answers', (world) => fill(world, 11, () => []), 10],
    ['tags of answers', (world) => fill(world, 8, () => ['a', 'b']), 6],
    ['different tags', (world) => fill(world, 9, (i) => [`t${i}`]), 7],
  ]
  for (const [words, make, expected] of over) {
    const world = new World(limits)
    make(world)
    const least = world.purge(all, true)
    assert.deepEqual([least.count, least.isCounted], [expected, false], words)
    for (const name of Array.from({ length: 11 }, (_, i) => `n${i}`)) world.remove(name)
    world.put('last', '/last')
    const exact = world.purge(all, true)
    assert.deepEqual([exact.count, exact.isCounted], [1, true], words)
  }
})

function fill(world: World, count: number, tagsOf: (i: number) => readonly string[]): void {
  for (let i = 0; i < count; i++) world.put(`n${i}`, `/${i}`, tagsOf(i))
}

test('it counts as a plain list would, whatever comes, goes and is purged', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed)
    const world = new World()
    const live = new Map<string, { target: string; tags: readonly string[] }>()
    const reports: [PurgeReport, number][] = []
    for (let step = 0; step < 600; step++) {
      const name = `n${random.between(0, 199)}`
      const target = `/${random.between(0, 7)}/${random.between(0, 7)}`
      const kind = random.between(0, 19)
      if (kind < 12) {
        const tags = Array.from(new Set([`t${random.between(0, 8)}`, `t${random.between(0, 8)}`]))
        world.put(name, target, tags)
        live.set(name, { target, tags })
      } else if (kind < 16) {
        world.remove(name)
        live.delete(name)
      } else {
        const isDry = random.chance(0.5)
        const tag = `t${random.between(0, 8)}`
        const asked: [PurgeTarget, (of: { target: string; tags: readonly string[] }) => boolean] =
          kind === 16
            ? [{ kind: 'url', host, target }, (each) => each.target === target]
            : kind === 17
              ? [{ kind: 'tag', tag }, (each) => each.tags.includes(tag)]
              : kind === 18
                ? [{ kind: 'prefix', host, target: '/3' }, (each) => each.target.startsWith('/3')]
                : [{ kind: 'host', host: random.chance(0.2) ? host : 'b.example' }, () => false]
        if (asked[0].kind === 'host') asked[1] = () => asked[0].kind === 'host' && asked[0].host === host
        const concerned = [...live].filter(([, each]) => asked[1](each))
        const report = random.chance(0.5)
          ? world.purge(asked[0], isDry)
          : world.ledger.purge({ target: asked[0], isDry })
        reports.push([report, concerned.length])
        if (!isDry) for (const [gone] of concerned) live.delete(gone)
      }
    }
    world.settle()
    assert.equal(world.ledger.size, live.size)
    for (const [{ count, isCounted }, expected] of reports)
      assert.deepEqual([count, isCounted], [expected, true], `seed ${seed}`)
  }
})
