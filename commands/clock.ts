// What an operator says of the machine's clock.

import * as v from 'valibot'
import { inBackground } from '../src/api/background.ts'
import { ClockObject, clockBody } from '../src/api/presenters/clock.ts'
import { linesOfRun } from '../src/audit/lines.ts'
import { LINES } from '../src/audit/longRuns.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { type Progress, takeBack } from './clockTakeBack.ts'

export const clockCommands = (services: Services) =>
  inBackground(services, ({ clock, longRuns }) => [
    route({
      method: 'post',
      path: '/v1/clock/confirm',
      summary: "Says that the clock of this node's machine is right",
      description:
        'A clock that was set by more than 5 minutes is not believed until it is set right again, or until this. It counts for the node that is asked, until its end.',
      tag: 'Operation of the clock',
      permission: 'clock.manage',
      records: false,
      body: v.optional(v.object({}), {}),
      response: ClockObject,
      handler: async (): Promise<Outcome> => {
        clock.confirm()
        return { body: clockBody(clock) }
      },
    }),
    route({
      method: 'post',
      path: '/v1/clock/take-back',
      summary: 'Takes back by facts what was decided while a clock was ahead',
      description:
        'What `GET /v1/audit/clock` finds: expired points are given back for the time that they had left, and each other decision is told with why it stays. Lines of JSON, as of `/v1/audit/verify`: one for each decision, with its `outcome`, and at last `{"end": …}` with how many there were. It ends when its reader goes away; asked again it goes on, and does nothing again.',
      tag: 'Operation of the clock',
      permission: 'clock.manage',
      body: v.optional(v.object({}), {}),
      response: v.record(v.string(), v.unknown()),
      contentType: LINES,
      handler: (call): Outcome => {
        const { requestId, key } = call
        const context = { requestId, actor: { name: key.name, role: key.role } }
        return longRuns.answer((signal) =>
          linesOfRun((tell: (progress: Progress) => void, say) => takeBack(services, context, { signal, tell, say })),
        )
      },
    }),
  ])
