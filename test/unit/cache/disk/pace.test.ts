import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk, DiskKind } from '../../../../src/cache/disk/disk.ts'
import { Pace } from '../../../../src/cache/disk/pace.ts'
import { bodyOf, put, requestFor } from '../store-world.ts'
import { DiskWorld } from './disk-world.ts'

const inMemory: DiskKind = { isLocal: true, isCounted: true }

class Device {
  nowMs = 0
  reads = 0
  readonly pace: Pace

  constructor(kind: DiskKind | null = inMemory) {
    const disk = { nowMs: () => this.nowMs, deviceReads: () => this.reads }
    this.pace = new Pace(disk as unknown as Disk)
    if (kind !== null) this.pace.begin(kind)
  }

  /** A read that takes so long. */
  read(ms: number, isFromDevice = true): void {
    this.pace.measure(() => {
      this.nowMs += ms
      if (isFromDevice) this.reads++
    })
  }
}

test('nothing is read at once before the folder is known, nor from a file system of another machine', () => {
  assert.equal(new Device(null).pace.isQuick, false)
  assert.equal(new Device({ isLocal: false, isCounted: true }).pace.isQuick, false)
  assert.equal(new Device().pace.isQuick, true)
})

test('what comes from memory is always read at once', () => {
  const device = new Device()
  for (let i = 0; i < 10_000; i++) {
    device.read(0.2)
    assert.equal(device.pace.isQuick, true)
  }
})

test('a read of 20 ms leaves the next ones to the pool, for five times what it took too long', () => {
  const device = new Device()
  device.read(20)
  assert.equal(device.pace.isQuick, false)
  device.nowMs += 80
  assert.equal(device.pace.isQuick, false)
  device.nowMs += 20
  assert.equal(device.pace.isQuick, true)
})

test('a slow device holds up the others for a fifth of the time', () => {
  const device = new Device()
  let heldMs = 0
  while (device.nowMs < 10_000) {
    if (device.pace.isQuick) {
      device.read(5)
      heldMs += 5
    } else device.nowMs++
  }
  assert.ok(heldMs <= 2200, `${heldMs} ms of 10,000`)
})

test('a device that hung is tried again after a minute', () => {
  const device = new Device()
  device.read(600_000)
  device.nowMs += 60_000
  assert.equal(device.pace.isQuick, true)
})

test('a thread that was not let run is no slow device, where the kernel counts what is read', () => {
  const device = new Device()
  device.read(30, false)
  assert.equal(device.pace.isQuick, true)
  device.read(200, false)
  assert.equal(device.pace.isQuick, false)
  const uncounted = new Device({ isLocal: true, isCounted: false })
  uncounted.read(30, false)
  assert.equal(uncounted.pace.isQuick, false)
})

test('what is read at once gets into memory when it is asked for again, or when it is stale', async () => {
  const world = new DiskWorld()
  await world.settle()
  const [page, old] = ['https://www.example.com/page', 'https://www.example.com/old']
  const { store } = world.cache
  const fresh = put(store, requestFor(page), { body: Buffer.from('hello') })
  const stale = put(store, requestFor(old), { body: Buffer.from('was') })
  assert.ok(fresh !== null && stale !== null)
  fresh.freshUntilMs = 1e9
  stale.freshUntilMs = 0
  await world.settle()
  await world.restart()
  const first = world.findNow(page)
  assert.equal(first?.isStored, false)
  assert.equal(String(first === null || first === undefined ? '' : bodyOf(first)), 'hello')
  assert.equal(world.findNow(page)?.isStored, true)
  assert.equal(world.findNow(old)?.isStored, true)
  assert.equal(world.findNow('https://www.example.com/none'), null)
})
