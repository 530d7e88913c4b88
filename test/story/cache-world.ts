/** A Headgate in memory whose route has a cache: the step as the config makes it, over a store of its own. */
import type { Disk } from '../../src/cache/disk/disk.ts'
import { SharedCache, type CacheSettings } from '../../src/cache/shared-cache.ts'
import { CacheCompiler } from '../../src/config/caches.ts'
import { routeCacheSchema } from '../../src/config/cache-schema.ts'
import { readConfig } from '../../src/config/load.ts'
import type { HeadgateConfig } from '../../src/config/document.ts'
import { silentObserver } from '../../src/engine/observer.ts'
import type { Exchange, Handler } from '../../src/http/exchange.ts'
import { requestFor } from '../unit/cache/store-world.ts'
import { ProxyWorld, type ProxySetting } from './proxy-world.ts'
import type { Peer } from './wire.ts'

type CacheSetting = Exclude<
  NonNullable<Extract<NonNullable<HeadgateConfig['sites']>[string], readonly unknown[]>[number]['cache']>,
  boolean
>

export class CacheWorld extends ProxyWorld {
  readonly cache: SharedCache
  readonly step: Handler

  /** `disk`: for `top.disk`. */
  constructor(
    route: CacheSetting = {},
    setting: ProxySetting = {},
    top: HeadgateConfig['cache'] = {},
    disk?: Disk,
  ) {
    let made: ReturnType<typeof stepOf> | null = null
    super({
      ...setting,
      steps: (world) => {
        made = stepOf(world, route, top, disk)
        return [...(Array.isArray(setting.steps) ? setting.steps : []), made.step]
      },
    })
    const { cache, step } = made as unknown as ReturnType<typeof stepOf>
    this.cache = cache
    this.step = step
  }

  /** What the step says of a GET of this URL, in sentences. */
  explain(url: string): string[] {
    const said: string[] = []
    this.step.explain?.({ request: requestFor(url) } as Exchange, (sentence) => void said.push(sentence))
    return said
  }

  /** What a client is answered whose request the origin is not asked about, or which `server` has answered. */
  ask(client: Peer, request: string): string {
    client.say(request)
    return client.take()
  }

  /** The server of the connection that was made last. */
  get latest(): Peer {
    return this.server(this.accepted.length - 1)
  }

  /** Has every server that was asked answer. Gives how many were. */
  answerAll(answerOf: (i: number) => string): number {
    const asked = this.accepted.filter((peer) => peer.take() !== '')
    for (const [i, peer] of asked.entries()) peer.say(answerOf(i))
    return asked.length
  }

  /** Requests that the origin's servers have been sent and that were not yet looked at. */
  asked(): string[] {
    return this.accepted.flatMap((peer) => {
      const text = peer.take()
      return text === '' ? [] : [text]
    })
  }
}

function stepOf(
  { clock, timers }: ProxyWorld,
  route: CacheSetting,
  top: HeadgateConfig['cache'],
  disk: Disk | undefined,
): { cache: SharedCache; step: Handler } {
  const { document } = readConfig({
    listeners: [1],
    workers: 1,
    sites: { '*': 'app' },
    origins: { app: 'a:1' },
    cache: top,
  })
  const read = routeCacheSchema.parse(route)
  if (document === null || read === null) throw new Error('the config of this test is wrong')
  let cache: SharedCache | null = null
  const lasting = {
    clock,
    timers,
    observer: silentObserver,
    resolver: { resolve: () => new Promise<never>(() => {}) },
    dialForTcp: () => ({
      dial() {
        throw new Error('nobody is dialled here')
      },
    }),
    dialFor: () => ({
      dial() {
        throw new Error('nobody is dialled here')
      },
    }),
    openCache: (settings: CacheSettings) =>
      (cache = new SharedCache({ clock, timers, settings, peers: null, ...(disk && { disk }) })),
  }
  const compiler = new CacheCompiler(document, lasting, '')
  const step = compiler.step(read, { site: 'www.example.com', zone: 'app', slot: 0, keysTarget: false })
  return { cache: cache as unknown as SharedCache, step }
}

/** The member of Cache-Status, without our name. */
export function cacheStatusOf(answer: string): string {
  return /^cache-status: headgate; (.*)$/im.exec(answer)?.[1]?.trim() ?? ''
}

export function fieldOf(answer: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, 'im').exec(answer)?.[1]?.trim() ?? ''
}
