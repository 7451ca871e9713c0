// What time it is for a node, and whether its machine's clock says so too.
import * as v from 'valibot'
import { answerOf } from '../src/http/answers.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { whyNot } from '../src/time/trust.ts'
import { isoOf } from './shapes.ts'

export const ClockObject = answerOf('clock', { now: v.string(), is_trusted: v.boolean() })

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

export const clockQueries = ({ clock }: Services) => [
  route({
    method: 'get',
    path: '/v1/clock',
    summary: "What time it is for this node, and whether its machine's clock is believed",
    tag: 'Operation of the clock',
    permission: 'operation.read',
    response: ClockObject,
    handler: async (): Promise<Outcome> => ({ body: clockBody(clock) }),
  }),
]
