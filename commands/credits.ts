// Adding credits to a gift voucher, or taking some away.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { codeNamed } from '../src/api/presenters/vouchers.ts'
import { CodeName } from '../src/domain/codes.ts'
import { idFrom } from '../src/domain/ids.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import { MAX_AMOUNT } from '../src/domain/rulebook/voucherSpec.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { fromRefusal, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const BalanceBody = v.pipe(
  v.object({
    /** Minor units; negative: taken away. */
    amount: v.pipe(
      v.number(),
      v.integer(),
      v.minValue(-MAX_AMOUNT),
      v.maxValue(MAX_AMOUNT),
      v.check((amount) => amount !== 0, 'must NOT be 0'),
    ),
    source_id: v.nullish(outsideId()),
    reason: v.nullish(v.pipe(v.string(), v.maxLength(3_000))),
  }),
  v.title('VoucherBalanceRequest'),
)

const BalanceObject = v.pipe(
  v.object({
    operation_type: v.optional(v.string()),
    related_object: v.object({ type: v.literal('voucher'), id: v.string() }),
    amount: v.number(),
    total: v.number(),
    balance: v.number(),
    type: v.literal('gift_voucher'),
    object: v.literal('balance'),
  }),
  v.title('VoucherBalance'),
)

const changeCredits = async (
  services: Services,
  call: Call<v.InferOutput<typeof BalanceBody>, unknown, { code: string }>,
): Promise<Outcome> => {
  const { amount, reason, source_id: named } = call.body
  const found = await codeNamed(services, call.params.code)
  const voucher = found && resolveVoucher(found, services.rulebook.current())
  if (!voucher) return notFound('voucher', call.params.code)
  const { id, code, campaign, holder, gift } = voucher
  const context = contextOf(call, services)
  const sourceId = named ?? undefined
  // A repeat of the request is recognised by its key where it has no `source_id`.
  const transaction =
    sourceId === undefined
      ? idFrom('vtx', code, 'key', context.key ?? randomBytes(16).toString('hex'))
      : idFrom('vtx', code, sourceId)
  const changed = await services.ledgers.codes.execute(
    code,
    {
      type: 'ChangeCredits',
      change: {
        code,
        voucher: id,
        ...(campaign ? { campaign: { id: campaign.id, name: campaign.definition.name } } : {}),
        customer: holder,
        transaction,
        amount,
        sourceId,
        ...(reason ? { reason } : {}),
        source: call.channel,
      },
    },
    context,
  )
  if (changed.refusal) return fromRefusal(changed.refusal)
  const { ledger } = changed.state
  const total = (gift?.amount ?? 0) + ledger.added
  const recorded = ledger.additions[transaction]
  return {
    body: {
      amount: recorded?.amount ?? amount,
      total,
      balance: recorded?.balance ?? total - ledger.confirmed.credits,
      type: 'gift_voucher',
      operation_type: 'MANUAL',
      object: 'balance',
      related_object: { type: 'voucher', id },
    },
    consistencyToken: changed.position,
  }
}

export const creditCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/vouchers/{code}/balance',
    summary: 'Add credits to a gift voucher, or take some away',
    description:
      '`source_id` is unique for the voucher: a repeat is answered as the first time and changes nothing, another content is refused.',
    tag: 'Vouchers',
    permission: 'points.adjust',
    params: v.object({ code: CodeName }),
    body: BalanceBody,
    response: BalanceObject,
    handler: (call) => changeCredits(services, call),
  }),
]
