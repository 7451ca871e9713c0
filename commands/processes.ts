// What operators do about items that workers have set aside.

import * as v from 'valibot'
import { inBackground } from '../src/api/background.ts'
import { listOf } from '../src/http/answers.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

export const processCommands = (services: Services) =>
  inBackground(services, ({ aside }) => [
    route({
      method: 'post',
      path: '/v1/processes/retry',
      summary: 'Tries again now what workers have set aside: all, that of one process, or one item',
      description:
        '`fact` is that of `failures` in `GET /v1/processes`. Jobs that have failed are retried as async actions. The outcome is `done`, `again` (its worker takes it up) or `failed`.',
      tag: 'Operation of processes',
      permission: 'processes.manage',
      body: v.optional(v.object({ process: v.optional(v.string()), fact: v.optional(v.string()) }), {}),
      response: listOf('data', v.unknown()),
      handler: async (call): Promise<Outcome> => ({
        body: { object: 'list', data_ref: 'data', data: await aside.retry(call.body) },
      }),
    }),
  ])
