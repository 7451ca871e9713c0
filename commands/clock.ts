// What an operator says of the machine's clock.

import * as v from 'valibot'
import { ClockObject, clockBody } from '../src/api/presenters/clock.ts'
import { listOf } from '../src/http/answers.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { takeBack } from './clockTakeBack.ts'

export const clockCommands = (services: Services) => [
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
      services.clock.confirm()
      return { body: clockBody(services.clock) }
    },
  }),
  route({
    method: 'post',
    path: '/v1/clock/take-back',
    summary: 'Takes back by facts what was decided while a clock was ahead',
    description:
      'What `GET /v1/audit/clock` names: expired points are given back for the time that they had left. Each other decision is told with why it stays. Asked again it does nothing again.',
    tag: 'Operation of the clock',
    permission: 'clock.manage',
    body: v.optional(v.object({}), {}),
    response: listOf('data', v.unknown()),
    handler: async (call): Promise<Outcome> => ({
      body: {
        object: 'list',
        data_ref: 'data',
        data: await takeBack(services, {
          requestId: call.requestId,
          actor: { name: call.key.name, role: call.key.role },
          now: call.now,
        }),
      },
    }),
  }),
]
