// One move from the first list to the report.

import { codes, publications, redemptions, settleCodes } from './codes.ts'
import { type Comparison, compare } from './compare.ts'
import {
  campaigns,
  categories,
  earningRules,
  metadataSchemas,
  promotions,
  rewards,
  rules,
  schemas,
  segments,
  stackingRules,
} from './definitions.ts'
import type { Move, Step } from './move.ts'
import { customers, events, orders } from './people.ts'
import { settleCampaigns } from './settle.ts'
import { createSource, type SourceOptions } from './source.ts'
import { openState, type State } from './state.ts'
import { createTarget, type TargetOptions } from './target.ts'

/**
 * What others name comes first. What would act on records that come over, such as rules and earning rules, comes after them; dates
 * and switches last.
 */
const STEPS: readonly Step[] = [
  schemas,
  customers,
  categories,
  campaigns,
  promotions,
  rewards,
  codes,
  publications,
  orders,
  redemptions,
  events,
  segments,
  rules,
  earningRules,
  settleCodes,
  settleCampaigns,
  stackingRules,
  metadataSchemas,
]

export interface MigrateOptions {
  readonly from: Omit<SourceOptions, 'signal' | 'retryForMs' | 'onRetry'>
  readonly to: TargetOptions['connection']
  readonly stateFile: string
  readonly retryForMs: number
  readonly signal: AbortSignal
  readonly onStep?: (name: string) => void
  readonly onProgress?: Move['onProgress']
  readonly onRetry?: (who: string, reason: string, waitMs: number) => void
}

export interface MigrateReport {
  readonly counts: State['counts']
  readonly reasons: State['reasons']
  readonly notes: readonly string[]
  readonly comparison: Comparison
  readonly refusedFile: string
  readonly differencesFile: string
}

/** Moves what is not moved yet, then compares. Throws `InputError`, `TributaryError`, and the reason of the signal. */
export const migrate = async ({
  from,
  to,
  stateFile,
  retryForMs,
  signal,
  onStep,
  onProgress,
  onRetry,
}: MigrateOptions): Promise<MigrateReport> => {
  const state = openState(stateFile, from.url, to.url)
  const common = { retryForMs, signal }
  const move: Move = {
    state,
    source: createSource({ ...from, ...common, onRetry: (reason, ms) => onRetry?.(from.url, reason, ms) }),
    target: createTarget({ connection: to, ...common, onRetry: (reason, ms) => onRetry?.(to.url, reason, ms) }),
    onProgress: (kind, read) => onProgress?.(kind, read),
  }
  for (const step of STEPS) {
    onStep?.(step.name)
    await step.run(move)
  }
  onStep?.('comparison')
  const differencesFile = `${stateFile}.differences.ndjson`
  const comparison = await compare(move, differencesFile, signal)
  const { counts, reasons, notes, refusedFile } = state
  return { counts, reasons, notes, comparison, refusedFile, differencesFile }
}
