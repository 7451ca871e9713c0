// What an operator says of the machine's clock.
import * as v from 'valibot'
import { clockBody } from '../queries/clock.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'

export const clockCommands = ({ clock }: Services) => [
  route({
    method: 'post',
    path: '/v1/clock/confirm',
    summary: "Says that the clock of this node's machine is right",
    description:
      'A clock that was set by more than 5 minutes is not believed until it is set right again, or until this. It counts for the node that is asked, until its end.',
    tag: 'Operation of the clock',
    roles: ['admin'],
    records: false,
    body: v.optional(v.object({}), {}),
    handler: async (): Promise<Outcome> => {
      clock.confirm()
      return { body: clockBody(clock) }
    },
  }),
]
