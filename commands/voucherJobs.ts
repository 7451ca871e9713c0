// Many vouchers at once: codes added to a campaign, imported, or changed, in the background.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { AcceptedObject } from '../src/api/presenters/asyncActions.ts'
import { VoucherObject } from '../src/api/presenters/voucherObject.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { Code } from '../src/domain/codes.ts'
import { idFrom } from '../src/domain/ids.ts'
import { isRefused, type Refused } from '../src/domain/refusal.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { generation, tooMany } from '../src/domain/vouchers/generate.ts'
import type { JobItem, JobType } from '../src/domain/vouchers/job.ts'
import {
  completeMember,
  completeSingle,
  memberFaults,
  misfitOf,
  refusalOf,
  singleFaults,
} from '../src/domain/vouchers/make.ts'
import { fail } from '../src/http/errors.ts'
import { queryInteger } from '../src/http/fields.ts'
import { inSlices } from '../src/http/longBody.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { JobWish } from '../src/runtime/jobStreams.ts'
import type { Services } from '../src/services.ts'
import { BULK_BODY } from './accepting.ts'
import { campaignForCodes, ImportedVoucher, make, NewVoucher } from './vouchers.ts'

const TAG = 'Vouchers'

/** How many one request lists. */
const MAX_LISTED = 20_000

/** What is done in the background under one request: asked again under its key, it is the same job. */
export const accept = async (
  services: Services,
  call: Call<unknown, unknown, unknown>,
  wish: (id: string) => JobWish,
  items: readonly JobItem[] = [],
): Promise<Outcome> => {
  const context = contextOf(call, services)
  const id = idFrom('aa', context.key ?? randomBytes(16).toString('hex'))
  const position = await services.voucherJobs.request(wish(id), items, context)
  services.voucherJobs.begin(id)
  return { status: 202, body: { async_action_id: id }, consistencyToken: position }
}

const listed = <T>(items: readonly T[]): Outcome | undefined => {
  if (items.length === 0) return fail('missing_vouchers', 'The list of vouchers is empty')
  return items.length > MAX_LISTED
    ? fail('too_many_vouchers_requested', `At most ${MAX_LISTED} vouchers can be listed in one request`)
    : undefined
}

const ImportBody = v.array(ImportedVoucher)

/** Items of an import; the refusal of the first that cannot be. */
const importItems = async (
  body: v.InferOutput<typeof ImportBody>,
  { definitions, project: { timeZone } }: Rulebook,
  campaign?: Entry<Campaign>,
): Promise<readonly JobItem[] | Refused> => {
  const calendar = calendarOf(timeZone)
  const items: JobItem[] = []
  const refused = await inSlices(body, (slice, from): Refused | undefined => {
    for (const [i, { code, active, ...spec }] of slice.entries()) {
      const faults = campaign ? memberFaults(spec, campaign.definition, calendar) : singleFaults(spec, calendar)
      const fault =
        refusalOf(faults, `[${from + i}]`) ?? misfitOf(definitions, spec, campaign?.definition, { isNew: true })
      if (fault) return fault
      items.push({ code, active, spec: campaign ? completeMember(spec, campaign.definition) : completeSingle(spec) })
    }
    return undefined
  })
  return refused ?? items
}

const importOf = async (
  services: Services,
  call: Call<v.InferOutput<typeof ImportBody>, unknown, unknown>,
  campaign?: Entry<Campaign>,
): Promise<Outcome> => {
  const refused = listed(call.body)
  if (refused) return refused
  const items = await importItems(call.body, services.rulebook.current(), campaign)
  if (isRefused(items)) return items
  const type: JobType = campaign ? 'CAMPAIGN.VOUCHERS_IMPORT' : 'VOUCHERS.IMPORT'
  const about = { type, count: items.length, ...(campaign ? { campaign: campaign.id } : {}) }
  return accept(services, call, (id) => ({ id, ...about }), items)
}

const metadata = GivenMetadata

const change = (
  services: Services,
  call: Call<unknown, unknown, unknown>,
  type: JobType,
  items: readonly JobItem[],
): Outcome | Promise<Outcome> =>
  listed(items) ?? accept(services, call, (id) => ({ id, type, count: items.length }), items)

export const voucherJobCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/campaigns/{campaignId}/vouchers',
    summary: 'Add codes to a campaign',
    description:
      'One is answered at once; more (up to 100,000) are made in the background: 202 with `async_action_id`.',
    tag: TAG,
    permission: 'codes.write',
    params: v.object({ campaignId: v.string() }),
    query: v.object({ vouchers_count: v.optional(queryInteger(1, 1_000_000_000), '1') }),
    body: v.optional(NewVoucher, {}),
    response: v.union([VoucherObject, AcceptedObject]),
    handler: (call): Promise<Outcome> | Outcome => {
      const campaign = campaignForCodes(services, call.params.campaignId)
      if ('failed' in campaign) return campaign
      const { vouchers_count: count } = call.query
      if (count === 1) return make(services, call, call.body, undefined, campaign)
      const { code_config: config, active: _, ...spec } = call.body
      const calendar = calendarOf(services.rulebook.current().project.timeZone)
      const { definitions } = services.rulebook.current()
      const refused =
        tooMany(count) ??
        refusalOf(memberFaults(spec, campaign.definition, calendar)) ??
        misfitOf(definitions, spec, campaign.definition, { isNew: true })
      if (refused) return refused
      const asked = { spec, ...(config ? { config } : {}) }
      return accept(services, call, (id) => generation(id, campaign.id, campaign.definition, count, asked))
    },
  }),
  route({
    method: 'post',
    path: '/v1/campaigns/{campaignId}/import',
    summary: 'Add codes that are there already to a campaign',
    description: `Up to ${MAX_LISTED} in one request. Codes that are taken are told of in the async action.`,
    tag: TAG,
    permission: 'codes.write',
    params: v.object({ campaignId: v.string() }),
    body: ImportBody,
    bodyLimit: BULK_BODY,
    status: 202,
    response: AcceptedObject,
    handler: (call): Promise<Outcome> | Outcome => {
      const campaign = campaignForCodes(services, call.params.campaignId)
      return 'failed' in campaign ? campaign : importOf(services, call, campaign)
    },
  }),
  route({
    method: 'post',
    path: '/v1/vouchers/import',
    summary: 'Import single vouchers',
    description: `Up to ${MAX_LISTED} in one request. Codes that are taken are told of in the async action.`,
    tag: TAG,
    permission: 'codes.write',
    body: ImportBody,
    bodyLimit: BULK_BODY,
    status: 202,
    response: AcceptedObject,
    handler: (call) => importOf(services, call),
  }),
  route({
    method: 'post',
    path: '/v1/vouchers/bulk/async',
    summary: 'Change the metadata of vouchers, each its own',
    tag: TAG,
    permission: 'codes.write',
    body: v.array(v.object({ code: Code, metadata })),
    bodyLimit: BULK_BODY,
    status: 202,
    response: AcceptedObject,
    handler: (call) =>
      change(
        services,
        call,
        'VOUCHERS.BULK_UPDATE',
        call.body.map((item) => ({ code: item.code, spec: { metadata: item.metadata } })),
      ),
  }),
  route({
    method: 'post',
    path: '/v1/vouchers/metadata/async',
    summary: 'Change the metadata of vouchers, all alike',
    tag: TAG,
    permission: 'codes.write',
    body: v.object({ codes: v.array(Code), metadata }),
    bodyLimit: BULK_BODY,
    status: 202,
    response: AcceptedObject,
    handler: (call) =>
      change(
        services,
        call,
        'VOUCHERS.METADATA_UPDATE',
        call.body.codes.map((code) => ({ code, spec: { metadata: call.body.metadata } })),
      ),
  }),
]
