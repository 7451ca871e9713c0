// Watching the processes between streams: what waits, for how long, and what was given up for now.

import * as v from 'valibot'
import { inBackground } from '../src/api/background.ts'
import { isoOf } from '../src/api/shapes.ts'
import { wordsOf } from '../src/domain/rulebook/sound.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { pageLimit } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { JOBS } from '../src/runtime/voucherJobs.ts'
import type { Services } from '../src/services.ts'

export const processQueries = (services: Services) =>
  inBackground(services, ({ processes, aside }) => [
    route({
      method: 'get',
      path: '/v1/processes',
      summary: 'The processes between streams, and all other workers',
      description:
        'For each: what is pending, the age of the oldest (ms; both for processes only), and how many items failed, were set aside and are tried again. `failures` lists them, and background jobs that have failed (retry or cancel these as async actions). `switched_off` lists ' +
        'definitions that do not fit the others, or were written by another version: they do nothing until they are mended.',
      tag: 'Operation of processes',
      permission: 'operation.read',
      query: v.object({ limit: pageLimit }),
      response: v.object({
        ...listOf(
          'data',
          answerOf('process', {
            name: v.string(),
            pending: v.number(),
            lag: v.number(),
            failed: v.number(),
            done: v.number(),
          }),
        ).entries,
        position: v.nullable(v.string()),
        switched_off: v.array(v.object({ kind: v.string(), id: v.string(), reason: v.string() })),
        failures: v.array(v.record(v.string(), v.unknown())),
      }),
      handler: async (call): Promise<Outcome> => {
        const position = processes.position()
        const { limit } = call.query
        const [items, jobs] = await Promise.all([aside.failures(limit), services.failedJobs.list(limit)])
        const failures = [...items, ...jobs].sort((a, b) => a.at.getTime() - b.at.getTime()).slice(0, limit)
        const known = processes.status()
        const others = aside
          .status()
          .filter(({ name }) => !known.some((process) => process.name === name))
          .map(({ name, failed }) => ({ name, pending: 0, lag: 0, failed, done: 0 }))
        const failed = await services.failedJobs.count()
        return {
          body: {
            object: 'list',
            data_ref: 'data',
            data: [...known, ...others].map((status) => ({
              ...status,
              // Those that have failed are jobs, not items of the worker.
              failed: status.failed + (status.name === JOBS ? failed : 0),
              object: 'process',
            })),
            position: position === undefined ? null : String(position),
            switched_off: [...services.rulebook.current().off.values()].map(({ kind, id, faults }) => ({
              kind,
              id,
              reason: wordsOf(faults),
            })),
            failures: failures.map(({ retry_at: retryAt, ...failure }) => ({
              ...failure,
              at: isoOf(failure.at.getTime()),
              retry_at: retryAt ? isoOf(retryAt.getTime()) : null,
            })),
          },
        }
      },
    }),
  ])
