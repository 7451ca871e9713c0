// Watching the processes between streams: what waits, for how long, and what was given up for now.
import * as v from 'valibot'
import { wordsOf } from '../src/domain/rulebook/sound.ts'
import { pageLimit } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { isoOf } from './shapes.ts'

export const processQueries = ({ processes, rulebook }: Services) => [
  route({
    method: 'get',
    path: '/v1/processes',
    summary: 'The processes between streams',
    description:
      'For each: facts pending, the age of the oldest (ms), and facts that failed and are tried again. `switched_off` lists ' +
      'definitions that do not fit the others, or were written by another version: they do nothing until they are mended.',
    tag: 'Operation of processes',
    roles: ['admin', 'auditor'],
    query: v.object({ limit: pageLimit }),
    handler: async (call): Promise<Outcome> => {
      const position = processes.position()
      const failures = await processes.failures(call.query.limit)
      return {
        body: {
          object: 'list',
          data_ref: 'data',
          data: processes.status().map((status) => ({ ...status, object: 'process' })),
          position: position === undefined ? null : String(position),
          switched_off: [...rulebook.current().off.values()].map(({ kind, id, faults }) => ({
            kind,
            id,
            reason: wordsOf(faults),
          })),
          failures: failures.map((failure) => ({ ...failure, at: isoOf(failure.at.getTime()) })),
        },
      }
    },
  }),
]
