// What time it is for a node, and whether its machine's clock says so too.

import { inBackground } from '../src/api/background.ts'
import { ClockObject, clockBody } from '../src/api/presenters/clock.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

export const clockQueries = (services: Services) =>
  inBackground(services, ({ clock }) => [
    route({
      method: 'get',
      path: '/v1/clock',
      summary: "What time it is for this node, and whether its machine's clock is believed",
      tag: 'Operation of the clock',
      permission: 'operation.read',
      response: ClockObject,
      handler: async (): Promise<Outcome> => ({ body: clockBody(clock) }),
    }),
  ])
