// Assigning referees to a referral code, and taking them from it again.
import * as v from 'valibot'
import { contextOf, customerOfSource } from '../src/api/context.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { HolderObject, showHolder } from '../src/api/presenters/referrals.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { ProfilePatch } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import type { HeldVoucher } from '../src/domain/customer/vouchers/state.ts'
import { isCustomerId } from '../src/domain/ids.ts'
import { isRefused } from '../src/domain/refusal.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { type CodeState, decideCode, holderId, type Referral } from '../src/domain/vouchers/code.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { changeCode, loadCode } from '../src/runtime/codeStreams.ts'
import type { Services } from '../src/services.ts'
import { CustomerBody } from './publishing.ts'

const MAX_HOLDERS = 100

const HoldersBody = v.object({
  holders: v.pipe(v.array(CustomerBody), v.minLength(1), v.maxLength(MAX_HOLDERS)),
  metadata: v.optional(GivenMetadata, {}),
})

interface Found {
  readonly code: CodeState
  readonly voucher: HeldVoucher
  readonly referral: Referral
}

/** The published referral code that a path names, in the campaign that it names; else why there is none. */
const findCode = async (services: Services, code: string, campaign: string | undefined): Promise<Found | Failure> => {
  const { state } = await loadCode(services.ledgers, code)
  const { owner } = state
  if (owner?.type !== 'referral_code' || owner.customer === undefined) return notFound('voucher', code)
  if (campaign !== undefined) {
    const entry = campaignNamed(services.rulebook.current().definitions, campaign)
    if (!entry) return notFound('campaign', campaign)
    if (entry.id !== owner.campaign) return notFound('voucher', code)
  }
  const { state: referrer } = await services.customers.load(owner.customer)
  const voucher = Object.hasOwn(referrer.vouchers, owner.id) ? referrer.vouchers[owner.id] : undefined
  if (referrer.status !== 'active' || !voucher?.campaign)
    return fail('not_published', `Code ${code} is not published to a referrer`, {
      resourceType: 'voucher',
      resourceId: code,
    })
  const { id, name } = voucher.campaign
  return { code: state, voucher, referral: { campaign: { id, name }, referrer: referrer.id } }
}

interface Named {
  readonly id: string
  readonly state: CustomerState
  readonly profile: ProfilePatch
  readonly mayCreate: boolean
}

/** The customers that a list names; the first that cannot be one is the answer for all. */
const customersOf = async (
  services: Services,
  list: readonly v.InferOutput<typeof CustomerBody>[],
): Promise<readonly Named[] | Failure> => {
  const named: Named[] = []
  for (const { id, ...profile } of list) {
    if (id !== undefined && !isCustomerId(id)) return notFound('customer', id)
    const { state } = await services.customers.load(id ?? customerOfSource(services, profile.source_id!))
    if (id !== undefined && state.status !== 'active') return notFound('customer', id)
    named.push({ id: state.id, state, profile, mayCreate: id === undefined })
  }
  return named
}

type AssignCall = Call<v.InferOutput<typeof HoldersBody>, unknown, { code: string; campaignId?: string }>

const assign = async (services: Services, call: AssignCall): Promise<Outcome> => {
  const { code, campaignId } = call.params
  const found = await findCode(services, code, campaignId)
  if (isFailure(found)) return found
  const named = await customersOf(services, call.body.holders)
  if (isFailure(named)) return named
  const { metadata } = call.body
  const command = {
    type: 'AssignReferees' as const,
    referral: found.referral,
    holders: named.map(({ id }) => ({ id: holderId(found.voucher.id, id), customer: id, metadata })),
    request: call.idempotencyKey,
  }
  // What would be refused saves no customer.
  const tried = decideCode(found.code, command, call.now)
  if (tried && isRefused(tried)) return tried
  const context = contextOf(call, services)
  for (const { id, profile, mayCreate } of named) {
    const saved = await services.customers.execute(id, { type: 'SaveCustomer', profile, mayCreate }, context)
    if (saved.kind === 'refused') return fromRefusal(saved.refusal)
  }
  const changed = await changeCode(services.ledgers, code, command, context)
  if (changed.kind === 'refused') return fromRefusal(changed.refusal)
  return {
    body: {
      holders: command.holders.map(({ id, customer }) =>
        showHolder({
          id,
          voucher: found.voucher.id,
          campaign: found.referral.campaign.id,
          customer,
          metadata,
          at: call.now,
        }),
      ),
    },
    consistencyToken: changed.position,
  }
}

const remove = async (
  services: Services,
  call: Call<unknown, unknown, { code: string; campaignId?: string; holderId: string }>,
): Promise<Outcome> => {
  const { code, campaignId, holderId: holder } = call.params
  const found = await findCode(services, code, campaignId)
  if (isFailure(found)) return found
  const changed = await changeCode(
    services.ledgers,
    code,
    { type: 'RemoveReferee', referral: found.referral, holder },
    contextOf(call, services),
  )
  if (changed.kind === 'refused') return fromRefusal(changed.refusal)
  return { status: 204, consistencyToken: changed.position }
}

const HOLDERS = '/v1/referrals/{campaignId}/members/{code}/holders'
const HOLDERS_OF_CODE = '/v1/referrals/members/{code}/holders'

export const referralCommands = (services: Services) => [
  route({
    method: 'post',
    path: HOLDERS_OF_CODE,
    also: [HOLDERS],
    summary: 'Assign referees to a referral code, all or none',
    tag: 'Referrals',
    permission: 'referrals.write',
    params: v.object({ code: CodeName, campaignId: v.optional(v.string()) }),
    body: HoldersBody,
    response: v.object({ holders: v.array(HolderObject) }),
    handler: (call) => assign(services, call),
  }),
  route({
    method: 'delete',
    path: `${HOLDERS_OF_CODE}/{holderId}`,
    also: [`${HOLDERS}/{holderId}`],
    summary: 'Take a referee from a referral code',
    tag: 'Referrals',
    permission: 'referrals.write',
    params: v.object({ code: CodeName, campaignId: v.optional(v.string()), holderId: v.string() }),
    status: 204,
    handler: (call) => remove(services, call),
  }),
]
