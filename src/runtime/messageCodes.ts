// Gives a message the fresh code of a campaign that its distribution attaches: the same one however often it is asked for.
import { idFrom } from '../domain/ids.ts'
import { codeOf, giftOf, impliedPublication, ownerTypeOf } from '../domain/vouchers/publish.ts'
import type { Codes } from './codes.ts'
import type { CustomerRuntime } from './customers.ts'
import type { RulebookRuntime } from './rulebook.ts'

/**
 * Takes a fresh code of a campaign for a message. Asked again for the same message it must give the same code: a crash between
 * the code and the sending must not cost a second one.
 */
export type IssueCode = (request: {
  readonly campaign: string
  readonly customer: string
  readonly message: string
}) => Promise<
  { readonly kind: 'issued'; readonly code: string } | { readonly kind: 'refused'; readonly reason: string }
>

export interface MessageCodesOptions {
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly codes: Codes
  readonly rulebook: Pick<RulebookRuntime, 'current'>
  readonly now: () => number
}

/** How many codes are tried before the campaign's format counts as used up. */
const MAX_ATTEMPTS = 10

const ACTOR = { name: 'delivery', role: 'system' } as const

/** The voucher follows from the message, so that a crash between the code and the sending costs no second one. */
export const createMessageCodes =
  ({ customers, codes, rulebook, now }: MessageCodesOptions): IssueCode =>
  async ({ campaign, customer, message }) => {
    const entry = rulebook.current().entries('campaign').get(campaign)
    if (!entry) return { kind: 'refused', reason: `there is no campaign ${campaign} any more` }
    const id = idFrom('v', customer, campaign, message)
    const owner = { type: ownerTypeOf(entry.definition.campaign_type), id, campaign, customer }
    const context = { requestId: message, actor: ACTOR, now: now() }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const code = codeOf(entry, rulebook.current(), id, attempt)
      if ((await codes.reserve(code, owner, context, giftOf(entry.definition))) === 'taken') continue
      const published = await customers.execute(
        customer,
        {
          type: 'PublishVoucher',
          campaign,
          voucher: { id, code },
          publication: { id: impliedPublication(id), channel: 'Automation' },
          joinOnce: false,
          profile: {},
          mayCreate: false,
        },
        { ...context, key: `process:${message}` },
      )
      if (published.kind === 'refused') return { kind: 'refused', reason: published.refusal.details }
      // A repeat finds the code that the first time gave, whichever this attempt came upon.
      return { kind: 'issued', code: published.state.vouchers[id]?.code ?? code }
    }
    return { kind: 'refused', reason: `the code format of ${entry.definition.name} is used up` }
  }
