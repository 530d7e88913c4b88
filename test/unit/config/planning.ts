/** Plans of a config without a network: nobody is dialled and no name is resolved. */
import { compilePlan, type CompileContext } from '../../../src/config/compile.ts'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { readConfig, type LoadedConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Timers } from '../../../src/core/timers.ts'
import { silentObserver } from '../../../src/engine/observer.ts'
import type { Dial } from '../../../src/http/dial.ts'
import type { Plan } from '../../../src/engine/plan.ts'

const noDial: Dial = {
  dial() {
    throw new Error('nobody is dialled here')
  },
}

export const context: CompileContext = {
  clock: systemClock,
  timers: new Timers(systemClock),
  observer: silentObserver,
  resolver: { resolve: () => new Promise(() => {}) },
  dialFor: () => noDial,
  dialForTcp: () => noDial,
}

export function planOf(config: HeadgateConfig | LoadedConfig, previous?: Plan): Plan {
  return compilePlan(readConfig(config), previous === undefined ? context : { ...context, previous })
}
