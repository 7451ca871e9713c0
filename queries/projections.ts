// Watching the read models: their versions, how far they are behind, what is being rebuilt, and what is parked.

import * as v from 'valibot'
import { projections } from '../projections/index.ts'
import { inBackground } from '../src/api/background.ts'
import { isoOf } from '../src/api/shapes.ts'
import { rebuildsOf } from '../src/audit/rebuilds.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { pageLimit } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const textOf = (position: bigint | undefined): string | null => (position === undefined ? null : String(position))

/** A collection of a version of a read model. */
const Built = v.object({ collection: v.string(), version: v.number() })

export const projectionQueries = (services: Services) =>
  inBackground(services, (background) => {
    const { readModel, store } = services
    const { projector } = background
    const rebuilds = rebuildsOf(background)

    const list = async (): Promise<Outcome> => {
      const status = projector.status()
      // Before what is live is read: a rebuild that says it is promoted is then seen to be.
      const asked = projections.map(({ name }) => rebuilds.of(name))
      const [head, aliases, lanes] = await Promise.all([
        store.head(),
        readModel.aliases.all(),
        Promise.all(projections.map(({ name }) => readModel.lanes.read(`${projector.group}/${name}`))),
      ])
      return {
        body: {
          object: 'list',
          data_ref: 'data',
          group: projector.group,
          state: status.state,
          stuck: status.stuck,
          position: textOf(status.position),
          head: textOf(head),
          /** Events still to come, and the age of what is shown, seconds. */
          lag: status.lag,
          data: projections.map(({ name, version }, i) => {
            const alias = aliases.find(({ _id }) => _id === name)
            const beside = lanes[i]
            const rebuild = asked[i]
            return {
              object: 'projection',
              name,
              version,
              live: alias ? { collection: alias.live.collection, version: alias.live.version } : null,
              is_current: !status.outdated.includes(name),
              previous: alias?.previous
                ? { collection: alias.previous.collection, version: alias.previous.version }
                : null,
              /** What is being built beside it. */
              beside: beside
                ? {
                    collection: beside.members[name]?.collection,
                    position: textOf(beside.position),
                    /** Null when this node does not keep it ready: promoting lets it catch up. */
                    lag: projector.ready(name) ?? null,
                  }
                : null,
              rebuild: rebuild
                ? {
                    kind: rebuild.kind,
                    state: rebuild.state,
                    started_at: isoOf(rebuild.startedAt),
                    error: rebuild.error,
                  }
                : null,
            }
          }),
        },
      }
    }

    return [
      route({
        method: 'get',
        path: '/v1/projections',
        summary: 'The read models: versions, lag, and what is being rebuilt',
        tag: 'Operation of projections',
        permission: 'operation.read',
        response: v.object({
          ...listOf(
            'data',
            answerOf('projection', {
              name: v.string(),
              version: v.number(),
              live: v.nullable(Built),
              is_current: v.boolean(),
              previous: v.nullable(Built),
              beside: v.nullable(
                v.object({
                  collection: v.optional(v.string()),
                  position: v.nullable(v.string()),
                  lag: v.nullable(v.unknown()),
                }),
              ),
              rebuild: v.nullable(
                v.object({ kind: v.string(), state: v.string(), started_at: v.string(), error: v.nullish(v.string()) }),
              ),
            }),
          ).entries,
          group: v.string(),
          state: v.string(),
          stuck: v.boolean(),
          position: v.nullable(v.string()),
          head: v.nullable(v.string()),
          lag: v.nullable(v.object({ events: v.nullable(v.number()), seconds: v.nullable(v.number()) })),
        }),
        handler: list,
      }),
      route({
        method: 'get',
        path: '/v1/projections/parked',
        summary: 'Documents whose facts could not be folded, with the first error',
        tag: 'Operation of projections',
        permission: 'operation.read',
        query: v.object({ limit: pageLimit }),
        response: listOf('data', v.unknown()),
        handler: async (call): Promise<Outcome> => ({
          body: {
            object: 'list',
            data_ref: 'data',
            data: (await projector.parked(call.query.limit)).map((one) => ({ ...one, since: String(one.since) })),
          },
        }),
      }),
    ]
  })
