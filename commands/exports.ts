// Asking for exports: of all objects of a kind, or of the transactions of one code, card or campaign.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { inBackground } from '../src/api/background.ts'
import { contextOf } from '../src/api/context.ts'
import { filterQuery } from '../src/api/lists/filters.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { EXPORT_NAMES, type ExportName, exportable, isColumn, maySee } from '../src/api/presenters/exportObjects.ts'
import { ExportObject, type Parameters, showExport } from '../src/api/presenters/exports.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { ByMember, memberPaths, readCard } from '../src/api/presenters/loyaltyMembers.ts'
import { codeNamed } from '../src/api/presenters/vouchers.ts'
import { ById } from '../src/api/shapes.ts'
import { CodeName } from '../src/domain/codes.ts'
import { idFrom } from '../src/domain/ids.ts'
import { fail, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Exports } from '../src/runtime/exports.ts'
import type { Services } from '../src/services.ts'

const TAG = 'Exports'

const ParametersField = v.nullish(
  v.object({
    order: v.nullish(v.pipe(v.string(), v.maxLength(300))),
    fields: v.nullish(v.pipe(v.array(v.pipe(v.string(), v.maxLength(300))), v.maxLength(200))),
    filters: v.nullish(v.record(v.string(), v.unknown())),
  }),
)
const ExportBody = v.pipe(
  v.object({ exported_object: v.picklist(EXPORT_NAMES), parameters: ParametersField }),
  v.title('ExportRequest'),
)
const OfOneBody = v.pipe(v.nullish(v.object({ parameters: ParametersField }), {}), v.title('ExportOfRequest'))
type Asked = v.InferOutput<typeof ParametersField>

/** Takes an export up; asked again under its key, it is the same. */
const take = async (
  services: Services,
  exports: Exports,
  call: Call<unknown, unknown, unknown>,
  object: ExportName,
  asked: Asked,
  only?: Parameters['only'],
): Promise<Outcome> => {
  const { orders, filters: fields } = exportable(object)
  if (!maySee(call.key, object)) return fail('forbidden', `The role ${call.key.role} may not see what is exported`)
  const { order, filters } = asked ?? {}
  const columns = asked?.fields ?? undefined
  const unknown = columns?.filter((column) => !isColumn(object, column)) ?? []
  if (unknown.length > 0)
    return fail('invalid_export_fields', `Not among the fields of ${object}: ${unknown.slice(0, 20).join(', ')}`)
  if (order && !Object.hasOwn(orders, order.replace(/^-/, '')))
    return fail(
      'invalid_payload',
      `Property .parameters.order must be one of ${Object.keys(orders).join(', ')}, with - for descending`,
    )
  const { timeZone } = services.rulebook.current().project
  const filter = filterQuery(filters ?? undefined, fields, { timeZone, now: call.now })
  if (isFailure(filter)) return fail('invalid_payload', filter.details ?? filter.message)
  const parameters: Parameters = {
    order: order ?? undefined,
    ...(columns && columns.length > 0 ? { fields: columns } : {}),
    filters: filters ?? undefined,
    only,
  }
  const made = await exports.request({
    _id: idFrom('exp', contextOf(call, services).key ?? randomBytes(16).toString('hex')),
    object,
    parameters: JSON.stringify(parameters),
    channel: call.channel,
  })
  if (!made)
    return fail('too_many_requests', 'There are too many exports that wait: ask again when some are done', {
      retryAfter: 60,
    })
  return { body: showExport(services, call, made) }
}

export const exportCommands = (services: Services) =>
  inBackground(services, ({ exports }) => [
    route({
      method: 'post',
      path: '/v1/exports',
      summary: 'Export objects of a kind as a CSV file, in the background',
      description:
        'Of codes, redemptions, publications, customers, orders, points that will expire, and transactions of cards and gift vouchers. ' +
        '`GET /v1/exports/{id}` says how far it is; the file is kept for a day, and goes when a person is erased.',
      tag: TAG,
      permission: 'exports.manage',
      body: ExportBody,
      response: ExportObject,
      handler: (call) => take(services, exports, call, call.body.exported_object, call.body.parameters),
    }),
    route({
      method: 'delete',
      path: '/v1/exports/{id}',
      summary: 'Delete an export and its file',
      tag: TAG,
      permission: 'exports.manage',
      params: ById,
      status: 204,
      handler: async ({ params: { id }, key }): Promise<Outcome> => {
        const found = await exports.find(id)
        const isGone = found && maySee(key, found.object) && (await exports.remove(id))
        return isGone ? { status: 204 } : notFound('export', id)
      },
    }),
    route({
      method: 'post',
      path: '/v1/orders/export',
      summary: 'Export orders',
      tag: 'Orders',
      permission: 'exports.manage',
      body: OfOneBody,
      response: ExportObject,
      handler: (call) => take(services, exports, call, 'order', call.body?.parameters),
    }),
    route({
      method: 'post',
      path: '/v1/vouchers/{code}/transactions/export',
      summary: 'Export the transactions of a gift voucher or a card',
      tag: 'Vouchers',
      permission: 'exports.manage',
      params: v.object({ code: CodeName }),
      body: OfOneBody,
      response: ExportObject,
      handler: async (call): Promise<Outcome> => {
        const found = await codeNamed(services, call.params.code)
        if (!found?.owner) return notFound('voucher', call.params.code)
        return take(services, exports, call, 'voucher_transactions', call.body?.parameters, { card: found.owner.id })
      },
    }),
    route({
      method: 'post',
      path: '/v1/campaigns/{campaignId}/transactions/export',
      summary: "Export the transactions of a campaign's codes or cards",
      tag: 'Campaigns',
      permission: 'exports.manage',
      params: v.object({ campaignId: v.string() }),
      body: OfOneBody,
      response: ExportObject,
      handler: (call): Outcome | Promise<Outcome> => {
        const found = campaignNamed(services.rulebook.current().definitions, call.params.campaignId)
        if (!found) return notFound('campaign', call.params.campaignId)
        return take(services, exports, call, 'voucher_transactions', call.body?.parameters, { campaign: found.id })
      },
    }),
    route({
      method: 'post',
      ...memberPaths('/transactions/export'),
      summary: 'Export the transactions of a card',
      tag: 'Loyalty members',
      permission: 'exports.manage',
      params: ByMember,
      body: OfOneBody,
      response: ExportObject,
      handler: async (call): Promise<Outcome> => {
        const { memberId, campaignId } = call.params
        // By the code's stream, which knows of a card that was made just now.
        const named = (await codeNamed(services, memberId))?.owner
        const program = campaignId === undefined ? undefined : findProgram(services, campaignId)
        if (program && isFailure(program)) return program
        if (named?.type === 'loyalty_card' && (program === undefined || program.id === named.campaign))
          return take(services, exports, call, 'voucher_transactions', call.body?.parameters, { card: named.id })
        const card = await readCard(services, memberId, campaignId)
        if (isFailure(card)) return card
        return take(services, exports, call, 'voucher_transactions', call.body?.parameters, { card: card._id })
      },
    }),
    route({
      method: 'post',
      path: '/v1/loyalties/{campaignId}/points-expiration/export',
      summary: "Export the points of a program's cards that will expire",
      tag: 'Loyalty programs',
      permission: 'exports.manage',
      params: ByCampaign,
      body: OfOneBody,
      response: ExportObject,
      handler: (call): Outcome | Promise<Outcome> => {
        const program = findProgram(services, call.params.campaignId)
        if (isFailure(program)) return program
        return take(services, exports, call, 'points_expiration', call.body?.parameters, { campaign: program.id })
      },
    }),
  ])
