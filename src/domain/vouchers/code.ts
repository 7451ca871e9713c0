// A code's own stream: what makes it unique, whether it is good for anything, and the referees that were assigned to it.
import * as v from 'valibot'
import type { CodeOwner, CodeReserved } from '../codes.ts'
import { Claim, Publication } from '../customer/vouchers/facts.ts'
import { idFrom } from '../ids.ts'
import { present } from '../present.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { VoucherSpec, VoucherType } from '../rulebook/voucherSpec.ts'

const At = v.pipe(v.number(), v.integer())

const Holder = v.object({
  id: v.string(),
  customer: v.string(),
  metadata: v.optional(v.record(v.string(), v.unknown())),
})

/** Facts of a code's stream after the first, which is `CodeReserved`. */
export const codeSwitchFacts = {
  CodeDisabled: { version: 1, schema: v.object({ code: v.string(), voucher: v.string(), occurredAt: At }) },
  CodeEnabled: { version: 1, schema: v.object({ code: v.string(), voucher: v.string(), occurredAt: At }) },
  /** A code that nobody had was given to a customer. */
  CodeAssigned: {
    version: 1,
    schema: v.object({
      code: v.string(),
      voucher: v.string(),
      campaign: v.optional(v.string()),
      /** What a single voucher is; of a campaign only said of a card. */
      type: v.optional(VoucherType),
      customer: v.string(),
      /** What it is to become in the customer's stream. */
      publication: Publication,
      /** The codes that it is given with. */
      claim: v.optional(Claim),
      /** A customer who has another code of the campaign by then keeps that one. */
      joinOnce: v.boolean(),
      occurredAt: At,
    }),
  },
  /** The publication that it was assigned for did not come about: nobody has the code. */
  CodeReleased: {
    version: 1,
    schema: v.object({
      code: v.string(),
      voucher: v.string(),
      customer: v.string(),
      publication: v.string(),
      claim: v.optional(v.string()),
      occurredAt: At,
    }),
  },
  /** What the code says of itself from now on, whole. */
  VoucherChanged: {
    version: 1,
    schema: v.object({ code: v.string(), voucher: v.string(), spec: VoucherSpec, occurredAt: At }),
  },
  /** The code is good for nothing any more, and is never given again. */
  VoucherDeleted: {
    version: 1,
    schema: v.object({
      code: v.string(),
      voucher: v.string(),
      campaign: v.optional(v.string()),
      /** The holder, in whose activity it shows. */
      customer: v.optional(v.string()),
      occurredAt: At,
    }),
  },
  /** Customers were assigned to a referral code as its referees, all or none. */
  RefereesAssigned: {
    version: 1,
    schema: v.object({
      code: v.string(),
      voucher: v.string(),
      campaign: v.object({ id: v.string(), name: v.string() }),
      referrer: v.string(),
      holders: v.array(Holder),
      /** The name of the request, where its caller gave it one. */
      request: v.optional(v.string()),
      occurredAt: At,
    }),
  },
  RefereeRemoved: {
    version: 1,
    schema: v.object({
      code: v.string(),
      voucher: v.string(),
      campaign: v.object({ id: v.string(), name: v.string() }),
      referrer: v.string(),
      holder: v.string(),
      customer: v.string(),
      occurredAt: At,
    }),
  },
} as const

type Registry = typeof codeSwitchFacts
type CodeFactType = keyof Registry
export type CodeFactData<T extends CodeFactType> = v.InferOutput<Registry[T]['schema']>
export type CodeFact =
  | { readonly type: 'CodeReserved'; readonly data: CodeReserved }
  | { [T in CodeFactType]: { readonly type: T; readonly data: CodeFactData<T> } }[CodeFactType]

export const isCodeFact = (fact: { readonly type: string; readonly data: unknown }): fact is CodeFact =>
  fact.type === 'CodeReserved' || Object.hasOwn(codeSwitchFacts, fact.type)

export interface CodeState {
  readonly code: string
  /** Absent for a code that nobody has. */
  readonly owner?: CodeOwner
  /** The publication that a code of nobody's was given away by. */
  readonly publication?: string
  /** The claim that it was given away under, with others. */
  readonly claim?: string
  /** The claims that it was set free from last: none of them gets it again. */
  readonly endedClaims?: readonly string[]
  readonly active: boolean
  readonly deleted: boolean
  /** What the code says of itself; the rest is its campaign's. */
  readonly spec: VoucherSpec
  /** ms; 0 for a code that nobody has. */
  readonly createdAt: number
  readonly updatedAt: number | null
  /** When the code was given to its holder, ms; null for one that has none. */
  readonly givenAt: number | null
  /** Assigned referees: customer → the id of the assignment. */
  readonly holders: Readonly<Record<string, string>>
  /** The request that made a customer a holder, where it had a name. */
  readonly assignedBy: Readonly<Record<string, string>>
}

/** Claims that a code remembers to have been set free from. */
const MAX_ENDED = 50

export const noCode = (code: string): CodeState => ({
  code,
  active: true,
  deleted: false,
  spec: {},
  createdAt: 0,
  updatedAt: null,
  givenAt: null,
  holders: {},
  assignedBy: {},
})

const released = (state: CodeState): CodeState => {
  if (!state.owner) return state
  const { customer: _, ...owner } = state.owner
  return { ...state, owner, givenAt: null }
}

export const evolveCode = (state: CodeState, fact: CodeFact): CodeState => {
  switch (fact.type) {
    case 'CodeReserved':
      return {
        ...state,
        owner: fact.data.owner,
        spec: fact.data.spec ?? {},
        createdAt: fact.data.occurredAt,
        givenAt: fact.data.owner.customer === undefined ? null : fact.data.occurredAt,
      }
    case 'CodeAssigned':
      return state.owner
        ? {
            ...state,
            owner: { ...state.owner, customer: fact.data.customer },
            publication: fact.data.publication.id,
            ...(fact.data.claim ? { claim: fact.data.claim.id } : {}),
            givenAt: fact.data.occurredAt,
          }
        : state
    case 'CodeReleased': {
      const { publication: _, claim: __, ...rest } = state
      const { claim } = fact.data
      if (claim === undefined) return released(rest)
      return released({ ...rest, endedClaims: [...(state.endedClaims ?? []), claim].slice(-MAX_ENDED) })
    }
    case 'VoucherChanged':
      return { ...state, spec: fact.data.spec, updatedAt: fact.data.occurredAt }
    case 'VoucherDeleted':
      return { ...state, deleted: true, active: false }
    case 'CodeDisabled':
    case 'CodeEnabled':
      return { ...state, active: fact.type === 'CodeEnabled', updatedAt: fact.data.occurredAt }
    case 'RefereesAssigned': {
      const { holders, request } = fact.data
      return {
        ...state,
        holders: { ...state.holders, ...Object.fromEntries(holders.map((h) => [h.customer, h.id])) },
        ...(request === undefined
          ? {}
          : { assignedBy: { ...state.assignedBy, ...Object.fromEntries(holders.map((h) => [h.customer, request])) } }),
      }
    }
    case 'RefereeRemoved': {
      const { [fact.data.customer]: _, ...holders } = state.holders
      return { ...state, holders }
    }
    default:
      return fact satisfies never
  }
}

/** A referral code with the one whose it is: what its stream's facts name. */
export interface Referral {
  readonly campaign: { readonly id: string; readonly name: string }
  readonly referrer: string
}

/** Makes a code that nobody has. */
export interface ReserveCode {
  readonly type: 'ReserveCode'
  readonly owner: CodeOwner
  /** What the code says of itself; the rest is its campaign's. */
  readonly spec?: VoucherSpec | undefined
  /** Whether it is good for anything from the start. */
  readonly active: boolean
}

export type CodeCommand =
  | ReserveCode
  | { readonly type: 'SwitchCode'; readonly active: boolean }
  | {
      readonly type: 'AssignCode'
      readonly customer: string
      readonly publication: Publication
      readonly claim?: Claim
      readonly joinOnce: boolean
    }
  | {
      readonly type: 'ReleaseCode'
      readonly customer: string
      readonly publication: string
      readonly claim?: string
    }
  | { readonly type: 'ChangeVoucher'; readonly spec: VoucherSpec }
  | { readonly type: 'DeleteVoucher' }
  | {
      readonly type: 'AssignReferees'
      readonly referral: Referral
      readonly holders: readonly v.InferOutput<typeof Holder>[]
      /** Names the request, so that asking again under it is no other one. */
      readonly request?: string
    }
  | { readonly type: 'RemoveReferee'; readonly referral: Referral; readonly holder: string }

/** The id of a customer's place among the holders of a voucher. */
export const holderId = (voucher: string, customer: string): string => idFrom('rh', voucher, customer)

const taken = (customer: string): Refused =>
  refuse('holder_assignement_duplication', `Customer ${customer} is a holder of the code already`, {
    resource: { type: 'customer', id: customer },
  })

/** What is given away, where that does not follow from the type of a campaign whose codes are vouchers. */
const assignedType = ({ owner, spec }: CodeState): VoucherType | undefined =>
  owner?.type === 'loyalty_card' ? 'LOYALTY_CARD' : owner?.campaign === undefined ? spec.type : undefined

/** Why the code of a card cannot be changed by itself: a customer has the card, and it lives in that customer's stream. */
export const heldCardFault = ({ code, owner }: CodeState): Refused | undefined =>
  owner?.type === 'loyalty_card' && owner.customer !== undefined
    ? refuse(
        'resource_protected',
        'The card of a customer is changed as a member of its program, under /v1/loyalties',
        {
          resource: { type: 'voucher', id: code },
        },
      )
    : undefined

const hasContent = (spec: VoucherSpec | undefined): spec is VoucherSpec =>
  spec !== undefined && Object.values(spec).some((value) => value !== undefined)

/** The first fact of a code's stream says whose it is, and no second one can be there. */
const reserve = (
  { code, owner }: CodeState,
  { owner: wanted, spec, active }: ReserveCode,
  now: number,
): readonly CodeFact[] | Refused => {
  if (owner?.type === wanted.type && owner.id === wanted.id) return []
  if (owner) return refuse('duplicate_found', `Code ${code} is taken`, { resource: { type: 'voucher', id: code } })
  const data = { code, owner: wanted, ...(hasContent(spec) ? { spec } : {}), occurredAt: now }
  const reserved: CodeFact = { type: 'CodeReserved', data }
  return active ? [reserved] : [reserved, { type: 'CodeDisabled', data: { code, voucher: wanted.id, occurredAt: now } }]
}

/** The facts that a command on a code gives, none where it holds already, or a refusal. Pure. */
export const decideCode = (state: CodeState, command: CodeCommand, now: number): readonly CodeFact[] | Refused => {
  const { code, owner } = state
  if (command.type === 'ReserveCode') return reserve(state, command, now)
  if (!owner || state.deleted) return refuseNotFound('voucher', code)
  const base = { code, voucher: owner.id, occurredAt: now }
  const inCampaign = owner.campaign === undefined ? {} : { campaign: owner.campaign }
  switch (command.type) {
    case 'SwitchCode':
      if (state.active === command.active) return []
      return heldCardFault(state) ?? [{ type: command.active ? 'CodeEnabled' : 'CodeDisabled', data: base }]
    case 'AssignCode':
      if (owner.customer === command.customer && state.claim === command.claim?.id) return []
      if (owner.customer !== undefined || (command.claim && state.endedClaims?.includes(command.claim.id)))
        return refuse('voucher_already_published', `Code ${code} has a holder`, {
          resource: { type: 'voucher', id: code },
        })
      if (!state.active)
        return refuse('voucher_disabled', `Code ${code} is disabled`, { resource: { type: 'voucher', id: code } })
      return [
        {
          type: 'CodeAssigned',
          data: {
            ...base,
            ...inCampaign,
            ...present({ type: assignedType(state) }),
            customer: command.customer,
            publication: command.publication,
            ...(command.claim ? { claim: command.claim } : {}),
            joinOnce: command.joinOnce,
          },
        },
      ]
    case 'ReleaseCode': {
      const { customer, publication, claim } = command
      if (owner.customer !== customer || state.publication !== publication || state.claim !== claim) return []
      return [
        {
          type: 'CodeReleased',
          data: { ...base, customer, publication, ...(claim === undefined ? {} : { claim }) },
        },
      ]
    }
    case 'ChangeVoucher':
      if (JSON.stringify(command.spec) === JSON.stringify(state.spec)) return []
      return heldCardFault(state) ?? [{ type: 'VoucherChanged', data: { ...base, spec: command.spec } }]
    case 'DeleteVoucher':
      return (
        heldCardFault(state) ?? [
          {
            type: 'VoucherDeleted',
            data: { ...base, ...inCampaign, ...(owner.customer === undefined ? {} : { customer: owner.customer }) },
          },
        ]
      )
    case 'AssignReferees': {
      const { request } = command
      if (request !== undefined && command.holders.every(({ customer }) => state.assignedBy[customer] === request))
        return []
      const seen = new Set([command.referral.referrer, ...Object.keys(state.holders)])
      for (const { customer } of command.holders) {
        if (seen.has(customer)) return taken(customer)
        seen.add(customer)
      }
      return [
        {
          type: 'RefereesAssigned',
          data: {
            ...base,
            ...command.referral,
            holders: [...command.holders],
            ...(request === undefined ? {} : { request }),
          },
        },
      ]
    }
    case 'RemoveReferee': {
      if (command.holder === holderId(owner.id, command.referral.referrer))
        return refuse('forbidden', 'The referrer cannot be taken from the code', {
          resource: { type: 'redeemable_holder', id: command.holder },
        })
      const customer = Object.keys(state.holders).find((id) => state.holders[id] === command.holder)
      if (customer === undefined) return refuseNotFound('redeemable_holder', command.holder)
      return [{ type: 'RefereeRemoved', data: { ...base, ...command.referral, holder: command.holder, customer } }]
    }
    default:
      return command satisfies never
  }
}
