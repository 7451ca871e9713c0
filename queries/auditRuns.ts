// What auditors ask of the whole log over HTTP, answered as lines of JSON while it is worked on: comparisons, decisions decided
// again, exports and seals. A last line `{"end": …}` says that the answer is whole.

import * as v from 'valibot'
import { projections } from '../projections/index.ts'
import { inBackground } from '../src/api/background.ts'
import { findCustomer } from '../src/api/context.ts'
import { given } from '../src/api/shapes.ts'
import { auditClock } from '../src/audit/clock.ts'
import { exportLines } from '../src/audit/export.ts'
import { type CheckOptions, checkLaws, type LawReport } from '../src/audit/laws/index.ts'
import { linesOfRun } from '../src/audit/lines.ts'
import { LINES } from '../src/audit/longRuns.ts'
import { recordsAfter } from '../src/audit/patience.ts'
import { redecideAll } from '../src/audit/redecideAll.ts'
import { sealLines } from '../src/audit/seal.ts'
import { SIMULATED_KINDS, simulate } from '../src/audit/simulate.ts'
import { type VerifyProgress, verify } from '../src/audit/verify.ts'
import { isRefused } from '../src/domain/refusal.ts'
import { answerOf } from '../src/http/answers.ts'
import { fail, isFailure, notFound } from '../src/http/errors.ts'
import { instant, queryInteger } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Background, Services } from '../src/services.ts'

/** One line of an answer of lines. */
const Line = v.record(v.string(), v.unknown())

const position = v.pipe(
  v.string(),
  v.regex(/^\d{1,20}$/, 'must be integer'),
  v.transform((text) => BigInt(text)),
)

const lawsOf = (
  { store }: Services,
  signal: AbortSignal,
  onProgress: NonNullable<CheckOptions['onProgress']>,
): Promise<LawReport> => checkLaws(() => recordsAfter(store, undefined, signal), { signal, onProgress })

interface LogProgress {
  readonly facts: number
  readonly pass: number
}

/** What is found by reading the log, in lines that tell how far it is. */
const ofLog = (
  { longRuns }: Background,
  object: string,
  find: (signal: AbortSignal, tell: (progress: LogProgress) => void) => Promise<object>,
): Outcome =>
  longRuns.answer((signal) =>
    linesOfRun(async (tell: (progress: LogProgress) => void) => ({ object, ...(await find(signal, tell)) })),
  )

const startVerify = (
  services: Services,
  { projector, longRuns, scratch: scratchOf }: Background,
  running: { now: boolean },
  name?: string,
  sample?: number,
): Outcome => {
  const asked = projections.filter((projection) => name === undefined || projection.name === name)
  if (asked.length === 0) return notFound('projection', name ?? '')
  if (running.now) return fail('conflict', 'A comparison is under way on this node: wait for its end')
  const { store, readModel } = services
  return longRuns.answer((signal) =>
    linesOfRun(async (tell: (progress: VerifyProgress | { readonly phase: 'laws'; readonly done: number }) => void) => {
      running.now = true
      const scratch = scratchOf()
      try {
        const verified = await verify({
          store,
          readModel,
          scratch,
          projector,
          projections: asked,
          signal,
          onProgress: tell,
          sample,
        })
        // One read model says nothing about the log as a whole.
        if (name !== undefined) return { object: 'verification', ...verified }
        const laws = await lawsOf(services, signal, ({ facts }) => tell({ phase: 'laws', done: facts }))
        return { object: 'verification', ...verified, laws, holds: verified.holds && laws.holds }
      } finally {
        running.now = false
        await scratch.close()
      }
    }),
  )
}

export const auditRunQueries = (services: Services) =>
  inBackground(services, (background) => {
    const { longRuns } = background
    const verifying = { now: false }
    return [
      route({
        method: 'get',
        path: '/v1/audit/verify',
        summary:
          'Rebuilds read models from the stream in a scratch database and compares every document with the live one',
        description:
          'Checks the laws of the log as well, unless one read model is named. Lines of JSON: `{"progress": …}` as it goes on, at last `{"end": report}`. Without that last line it is unfinished.',
        tag: 'Audit',
        permission: 'audit.read',
        query: v.object({ projection: v.optional(v.string()), sample: v.optional(queryInteger(1, 10_000_000)) }),
        response: Line,
        contentType: LINES,
        handler: (call) => startVerify(services, background, verifying, call.query.projection, call.query.sample),
      }),
      route({
        method: 'get',
        path: '/v1/audit/laws',
        summary:
          'Checks from the log alone what must always hold: ids, limits, ledgers, transfers, referrals, messages',
        description:
          'Shares no code with the decisions. Lines of JSON, as of `/v1/audit/verify`; each violation names the law, the ' +
          'streams and the records that contradict each other.',
        tag: 'Audit',
        permission: 'audit.read',
        response: Line,
        contentType: LINES,
        handler: () => ofLog(background, 'laws', (signal, tell) => lawsOf(services, signal, tell)),
      }),
      route({
        method: 'get',
        path: '/v1/audit/clock',
        summary: 'Where the times of the log step back, and what was decided for times that had not come',
        description:
          'Lines of JSON, as of `/v1/audit/verify`. `POST /v1/clock/take-back` takes back what can be taken back.',
        tag: 'Audit',
        permission: 'audit.read',
        response: Line,
        contentType: LINES,
        handler: () =>
          ofLog(background, 'clock_audit', (signal, tell) =>
            auditClock(() => recordsAfter(services.store, undefined, signal), { onProgress: tell }),
          ),
      }),
      route({
        method: 'get',
        path: '/v1/audit/redecide',
        summary: 'Decides all recorded decisions of a time again and reports what comes out differently',
        description:
          'Lines of JSON, as of `/v1/audit/verify`. `from` is inclusive, `to` exclusive, by the time of decision.',
        tag: 'Audit',
        permission: 'audit.read',
        query: v.object({ from: v.optional(instant), to: v.optional(instant) }),
        response: Line,
        contentType: LINES,
        handler: (call): Outcome =>
          longRuns.answer((signal) =>
            linesOfRun((tell) =>
              redecideAll(services.store, services.rulebook, given(call.query), { signal, onProgress: tell }),
            ),
          ),
      }),
      route({
        method: 'get',
        path: '/v1/audit/export',
        summary: 'The log, or one customer of it, as a line of JSON for each event',
        description:
          'In the order of the log, after position `after`: that of the last line of an export that broke off. Ends with ' +
          '`{"end": {"events": …}}`. The project\'s own key is left out.',
        tag: 'Audit',
        permission: 'audit.export',
        query: v.object({ customer: v.optional(v.string()), after: v.optional(position) }),
        response: Line,
        contentType: LINES,
        handler: async (call): Promise<Outcome> => {
          const { customer, after } = call.query
          const found = customer === undefined ? undefined : await findCustomer(services, customer)
          if (found && isFailure(found)) return found
          return longRuns.answer((signal) =>
            exportLines(services.store, {
              signal,
              customer: found?.id,
              after,
            }),
          )
        },
      }),
      route({
        method: 'get',
        path: '/v1/audit/project-key',
        summary: 'The key that an export leaves out and a restored log needs',
        description:
          "Ids of customers, unissued codes and the webhooks' signing secret follow from it: it is for operators alone.",
        tag: 'Audit',
        permission: 'audit.project_key',
        response: answerOf('project_key', { key: v.string() }),
        handler: (): Outcome => ({
          body: { object: 'project_key', key: services.rulebook.current().project.customerKey },
        }),
      }),
      route({
        method: 'get',
        path: '/v1/audit/seal',
        summary: 'The hash chain over the log, a line for each block',
        description: 'Up to position `until`, else the head. Ends with `{"end": {"blocks": …}}`.',
        tag: 'Audit',
        permission: 'audit.read',
        query: v.object({ until: v.optional(position) }),
        response: Line,
        contentType: LINES,
        handler: (call): Outcome => longRuns.answer((signal) => sealLines(services.store, call.query.until, signal)),
      }),
      route({
        method: 'post',
        records: false,
        path: '/v1/audit/simulations',
        summary: 'What a draft definition would have led to over recorded history; writes nothing',
        description:
          'Lines of JSON, as of `/v1/audit/verify`. With an `id` the draft takes the place of that definition.',
        tag: 'Audit',
        permission: 'audit.read',
        body: v.object({
          kind: v.picklist(SIMULATED_KINDS),
          id: v.optional(v.string()),
          definition: v.record(v.string(), v.unknown()),
          from: v.optional(instant),
          to: v.optional(instant),
        }),
        response: Line,
        contentType: LINES,
        handler: async (call): Promise<Outcome> => {
          const { kind, id, definition, from, to } = call.body
          const { store, rulebook: rulebooks } = services
          const draft = { kind, definition, ...given({ id }) }
          const asked = { store, rulebooks, draft, now: call.now, ...given({ from, to }) }
          const checked = await simulate(asked)
          if (isRefused(checked)) return checked
          return longRuns.answer((signal) =>
            linesOfRun(async (onProgress) => {
              const run = await simulate({ ...asked, signal, onProgress })
              return isRefused(run) ? run : run()
            }),
          )
        },
      }),
    ]
  })
