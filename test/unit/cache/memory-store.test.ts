import { MemoryStore } from '../../../src/cache/memory/memory-store.ts'
import { describeStore } from './store-suite.ts'

describeStore('MemoryStore', (options) => new MemoryStore(options), 200)
