// fast-check, set once for all tests: `SEED=…` repeats what a report names, `RUNS=20` tries twenty times as many values.
import * as fastCheck from 'fast-check'

export * from 'fast-check'

const seed = process.env.SEED
const times = Number(process.env.RUNS ?? 1)
/** So many runs has a property that names no number: fast-check's own default. */
const DEFAULT_RUNS = 100

// What failed is in the report, since the test runner prints no causes.
fastCheck.configureGlobal({ includeErrorInReport: true, ...(seed !== undefined && { seed: Number(seed) }) })

const assertTimes = <Ts>(property: fastCheck.IRawProperty<Ts>, parameters: fastCheck.Parameters<Ts> = {}) =>
  fastCheck.assert(property, { ...parameters, numRuns: Math.ceil((parameters.numRuns ?? DEFAULT_RUNS) * times) })

/** As fast-check's own, which tells properties that wait from those that do not. */
export const assert = assertTimes as typeof fastCheck.assert
