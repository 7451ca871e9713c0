// What operators do to read models while they are served: rebuild beside the live version, put it in its place, go back, and
// show parked facts again.

import * as v from 'valibot'
import { projections } from '../projections/index.ts'
import { inBackground } from '../src/api/background.ts'
import { type RebuildKind, rebuildsOf } from '../src/audit/rebuilds.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { fail, notFound } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const Named = v.object({ name: v.string() })
/** Only a rebuild may be left beside. */
const howTo: Readonly<Record<RebuildKind, v.GenericSchema<unknown, { readonly promote?: boolean }>>> = {
  rebuild: v.object({ promote: v.optional(queryFlag, 'true') }),
  promote: v.object({}),
  rollback: v.object({}),
}

const SUMMARIES: Readonly<Record<RebuildKind, string>> = {
  rebuild: 'Builds a read model anew beside the live one and puts it in its place once it has caught up',
  promote: 'Puts what was built beside the live one in its place, caught up',
  rollback: 'Puts what was served before the last promotion back in its place, caught up',
}

/** Parked keys that one request without a key tries again. */
const MAX_RETRIED = 1_000

export const projectionCommands = (services: Services) =>
  inBackground(services, (background) => {
    const { readModel } = services
    const { projector } = background
    const rebuilds = rebuildsOf(background)

    /** Why it cannot be done, before anything is begun. */
    const obstacle = async (name: string, kind: RebuildKind): Promise<string | undefined> => {
      if (kind === 'promote') {
        const begun = await readModel.lanes.read(`${projector.group}/${name}`)
        return begun === undefined ? `Nothing has been built beside ${name}: rebuild it` : undefined
      }
      if (kind === 'rebuild') return undefined
      const alias = (await readModel.aliases.all()).find(({ _id }) => _id === name)
      return alias?.previous ? undefined : `There is nothing to roll ${name} back to`
    }

    return [
      ...(['rebuild', 'promote', 'rollback'] as const).map((kind) =>
        route({
          method: 'post',
          path: `/v1/projections/{name}/${kind}`,
          summary: SUMMARIES[kind],
          description:
            'Answers at once; `GET /v1/projections` says how far it is. What is served stays until the swap.' +
            (kind === 'rebuild'
              ? ' With `promote=false` the new one is left beside, ready and following the log, until it is promoted.'
              : ''),
          tag: 'Operation of projections',
          permission: 'projections.manage',
          params: Named,
          query: howTo[kind],
          status: 202,
          response: answerOf('projection', { name: v.string(), rebuild: v.string(), state: v.string() }),
          handler: async (call): Promise<Outcome> => {
            const { name } = call.params
            if (!projections.some((projection) => projection.name === name)) return notFound('projection', name)
            const why = await obstacle(name, kind)
            if (why !== undefined) return fail('invalid_request', why)
            const promote = !('promote' in call.query) || call.query.promote
            if (!rebuilds.start(name, kind, call.now, promote))
              return fail('conflict', `${name} is being built already`)
            return { body: { object: 'projection', name, rebuild: kind, state: 'running' } }
          },
        }),
      ),
      route({
        method: 'post',
        path: '/v1/projections/parked/retry',
        summary: 'Shows parked keys their facts again: one, those of a projection, or all',
        tag: 'Operation of projections',
        permission: 'projections.manage',
        body: v.object({ projection: v.optional(v.string()), key: v.optional(v.string()) }),
        response: listOf('data', v.unknown()),
        handler: async (call): Promise<Outcome> => {
          const { projection, key } = call.body
          const parked = (await projector.parked(MAX_RETRIED)).filter(
            (one) => (projection ?? one.projection) === one.projection && (key ?? one.key) === one.key,
          )
          const data: object[] = []
          for (const one of parked)
            data.push({ projection: one.projection, key: one.key, ...(await projector.retry(one.projection, one.key)) })
          return { body: { object: 'list', data_ref: 'data', data } }
        },
      }),
    ]
  })
