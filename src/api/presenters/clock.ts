// How the time of a node shows.
import * as v from 'valibot'
import { answerOf } from '../../http/answers.ts'
import type { Services } from '../../services.ts'
import { whyNot } from '../../time/trust.ts'
import { isoOf } from '../shapes.ts'

export const ClockObject = answerOf('clock', {
  now: v.string(),
  is_trusted: v.boolean(),
  since: v.nullable(v.string()),
  ahead_seconds: v.nullable(v.number()),
  reason: v.nullable(v.string()),
})

export const clockBody = (clock: Services['clock']) => {
  const distrust = clock.distrust()
  return {
    object: 'clock',
    now: isoOf(clock.now()),
    is_trusted: distrust === undefined,
    since: distrust ? isoOf(distrust.since) : null,
    ahead_seconds: distrust ? Math.round(distrust.aheadMs / 1_000) : null,
    reason: distrust ? whyNot(distrust) : null,
  }
}
