// A publication of several codes of a campaign to one customer: all or none.
import { randomBytes } from 'node:crypto'
import type { VoucherRef } from '../src/domain/customer/vouchers/facts.ts'
import { type CustomerId, idFrom, uuidFrom } from '../src/domain/ids.ts'
import { type Campaign, hasOwnCodes } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { codeOf, giftOf, heldAlready, ownerTypeOf } from '../src/domain/vouchers/publish.ts'
import { type Failure, fromRefusal, isFailure } from '../src/http/errors.ts'
import type { Outcome } from '../src/http/route.ts'
import { settleGroup } from '../src/runtime/assignments.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import { MAX_ATTEMPTS } from '../src/runtime/makeVoucher.ts'
import type { Services } from '../src/services.ts'
import { TooBusy } from '../src/trouble.ts'
import { again, answer, type PublishCall, prepare, unsuitable, usedUp, type Wish, wishOf } from './publishing.ts'

/** How often others may be faster with one of the codes before the request is told to come again. */
const MAX_TRIES = 5
/** How many codes are passed over that others have by now, for each that is wanted. */
const MAX_PASSED = 5

/** Up to so many codes of the campaign that nobody has, with their ids. */
const ready = async (services: Services, entry: Entry<Campaign>, count: number): Promise<readonly VoucherRef[]> => {
  const { vouchers_count: first, type } = entry.definition
  const wait = type !== 'AUTO_UPDATE' || (first ?? 0) > 0
  const found: VoucherRef[] = []
  for (let looked = 0; found.length < count && looked < count * MAX_PASSED; looked++) {
    const code = await services.freeCodes.take(entry.id, wait)
    if (code === undefined) break
    const { owner, active, deleted } = (await loadCode(services.ledgers, code)).state
    if (owner && owner.customer === undefined && active && !deleted) found.push({ id: owner.id, code })
  }
  return found
}

/** Makes codes that are the customer's from the first; asking again under the same name finds them. */
const make = async (
  services: Services,
  entry: Entry<Campaign>,
  { customer, voucher, context }: Wish,
  count: number,
): Promise<readonly VoucherRef[] | Failure> => {
  const rulebook = services.rulebook.current()
  const type = ownerTypeOf(entry.definition.campaign_type)
  const made: VoucherRef[] = []
  for (let n = 0; n < count; n++) {
    const id = idFrom('v', customer, voucher, String(n))
    const owner = { type, id, campaign: entry.id, customer }
    for (let attempt = 0; attempt < MAX_ATTEMPTS && made.length === n; attempt++) {
      const code = codeOf(entry, rulebook, id, attempt)
      const reserved = await services.codes.reserve(code, owner, context, giftOf(entry.definition))
      if (reserved !== 'taken') made.push({ id, code })
    }
    if (made.length === n) return usedUp(entry)
  }
  return made
}

/** Claims codes that nobody has and brings them into the customer's stream. Undefined: others were faster with one of them. */
const assignAll = async (
  services: Services,
  { customer, command, context }: Wish,
  campaign: string,
  { stock, made }: { readonly stock: readonly VoucherRef[]; readonly made: readonly VoucherRef[] },
): Promise<Outcome | undefined> => {
  const asked = command('')
  const { publication, joinOnce } = asked
  const { key: _, ...unnamed } = context
  const claim = {
    id: uuidFrom('claim', publication.id, randomBytes(16).toString('hex')),
    vouchers: [...stock],
    made: [...made],
  }
  const executed = await settleGroup(services, { campaign, customer, publication, joinOnce, claim }, unnamed)
  const held = heldAlready(executed.state.vouchers, asked)
  if (held) return answer(services, executed.state, held, 'position' in executed ? executed.position : undefined)
  return executed.kind === 'refused' ? fromRefusal(executed.refusal) : undefined
}

/** Publishes several codes: what the campaign has ready first, then, of an AUTO_UPDATE campaign, new ones. */
export const publishTogether = async (
  services: Services,
  call: PublishCall,
  {
    customer,
    entry,
    count,
  }: { readonly customer: CustomerId; readonly entry: Entry<Campaign>; readonly count: number },
): Promise<Outcome> => {
  const { join_once: once, campaign_type: campaignType, type } = entry.definition
  const about = { id: entry.id, campaign: entry.id, joinOnce: call.query.join_once ?? once }
  const wish = wishOf(services, call, customer, about)
  const settled = (await prepare(services, wish, entry.id)) ?? (await again(services, wish))
  if (settled) return settled
  const { profile, mayCreate } = wish.command('')
  const { key: _, ...unnamed } = wish.context
  const saved = await services.customers.execute(customer, { type: 'SaveCustomer', profile, mayCreate }, unnamed)
  if (saved.kind === 'refused') return fromRefusal(saved.refusal)
  const canMake = !hasOwnCodes(campaignType) || type === 'AUTO_UPDATE'
  // What was made for a try that others were faster with is used by the next.
  let makes = 0
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stock = hasOwnCodes(campaignType) ? await ready(services, entry, count - makes) : []
    if (stock.length < count && !canMake) {
      for (const { code } of stock) services.freeCodes.giveBack(code)
      return unsuitable(entry, `Of the ${count} codes asked for nobody has left more than ${stock.length} of`)
    }
    makes = count - stock.length
    const made = await make(services, entry, wish, makes)
    if (isFailure(made)) return made
    const outcome = await assignAll(services, wish, entry.id, { stock, made })
    if (outcome) return outcome
  }
  throw new TooBusy(`campaign ${entry.id}`)
}
