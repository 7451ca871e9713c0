// Codes and cards with what is left on them, who holds them, and how they were redeemed.
import { type Item, isItem, numberOf, partOf, picked, textOf } from './item.ts'
import { counted, each, eachPage, type Move, personOf, type Step } from './move.ts'
import { orderOf, pointsIn } from './people.ts'

const WHEN = ['start_date', 'expiration_date', 'validity_timeframe', 'validity_day_of_week', 'validity_hours']
const SPEC = ['type', 'category', 'additional_info', 'metadata']

/** Whether something is still done with the code before it is as it was: then it is in force until then. */
const isUsed = (voucher: Item): boolean =>
  textOf(voucher.holder_id) !== undefined ||
  numberOf(partOf(voucher, 'redemption').redeemed_quantity) > 0 ||
  numberOf(partOf(voucher, 'publish').count) > 0
const isBounded = (voucher: Item): boolean =>
  voucher.active === false || WHEN.some((name) => (voucher[name] ?? null) !== null)

const voucherOf = (voucher: Item, state: Pick<Move['state'], 'idOf'>): Item => ({
  code: voucher.code,
  ...picked(voucher, [...SPEC, 'discount']),
  category_id: state.idOf(String(voucher.category_id)),
  ...(isItem(voucher.gift) ? { gift: picked(voucher.gift, ['amount', 'effect']) } : {}),
  redemption: picked(partOf(voucher, 'redemption'), ['quantity']),
  ...(isUsed(voucher) ? { active: true } : { active: voucher.active !== false, ...picked(voucher, WHEN) }),
})

/** Codes of one campaign, or single ones, in one import. */
const importCodes = async (move: Move, campaign: string | undefined, vouchers: readonly Item[]): Promise<void> => {
  const { state, target } = move
  const here = campaign === undefined ? undefined : state.idOf(campaign)
  if (campaign !== undefined && here === undefined) {
    for (const { code } of vouchers) state.refuse('codes', String(code), 'its campaign did not come over')
    return
  }
  const [path, params] =
    here === undefined ? ['/v1/vouchers/import', []] : ['/v1/campaigns/{campaignId}/import', [here]]
  const written = await target.write(
    'POST',
    path,
    params,
    vouchers.map((voucher) => voucherOf(voucher, state)),
    `codes:${campaign ?? ''}:${vouchers[0]!.code}:${vouchers.length}`,
  )
  if (!written.ok) {
    if (vouchers.length === 1) return state.refuse('codes', String(vouchers[0]!.code), written.reason)
    // One that cannot be refuses the whole list: each for itself then.
    return each(vouchers, (one) => importCodes(move, campaign, [one]))
  }
  const { result } = await target.finished(String(written.body.async_action_id))
  const failed = new Map(
    (isItem(result) && Array.isArray(result.failed) ? result.failed : [])
      .filter(isItem)
      .map((one) => [String(one.code), textOf(one.reason) ?? 'failed']),
  )
  for (const { code } of vouchers) {
    const reason = failed.get(String(code))
    if (reason === undefined) state.count('codes', 'moved')
    else state.refuse('codes', String(code), reason)
  }
}

/** Adds the points that a card has, each part until it expires. */
const fillCard = async (move: Move, card: Item, code: string, has: number): Promise<string | undefined> => {
  const balance = numberOf(partOf(card, 'loyalty_card').balance)
  if (balance === has) return undefined
  const expires = textOf(partOf(card, 'loyalty_card').next_expiration_date) !== undefined
  const buckets = expires ? await move.source.all('/v1/loyalties/members/{memberId}/points-expiration', [code]) : []
  const live = buckets.filter((bucket) => bucket.status === 'ACTIVE' && pointsIn(bucket) > 0)
  const parts = live.map((bucket) => ({
    points: pointsIn(bucket),
    until: textOf(bucket.expires_at),
    id: String(bucket.id),
  }))
  const rest = balance - has - parts.reduce((sum, { points }) => sum + points, 0)
  for (const { points, until, id } of [
    ...parts,
    ...(rest === 0 ? [] : [{ points: rest, until: undefined, id: 'rest' }]),
  ]) {
    const written = await move.target.write(
      'POST',
      '/v1/loyalties/members/{memberId}/balance',
      [code],
      {
        points,
        reason: 'balance before the move',
        source_id: `migrate:${id}`,
        ...(points < 0
          ? {}
          : until === undefined
            ? { expiration_type: 'NON_EXPIRING' }
            : { expiration_type: 'CUSTOM_DATE', expiration_date: until }),
      },
      `points:${code}:${id}`,
    )
    if (!written.ok) return written.reason
  }
  return undefined
}

/** A card that nobody holds yet: it begins with what is on it. */
const makeCard = async ({ state, target }: Move, card: Item, program: string): Promise<void> => {
  const code = String(card.code)
  const { redemption: _, ...said } = voucherOf(card, state)
  const points = numberOf(partOf(card, 'loyalty_card').balance)
  const body = { ...said, campaign_id: program, loyalty_card: { points } }
  const written = await target.write('POST', '/v1/vouchers', [], body, `card:${code}`)
  if (!written.ok) return state.refuse('cards', code, written.reason)
  state.count('cards', written.isReplay ? 'there' : 'moved')
}

const issueCard = async (move: Move, card: Item): Promise<void> => {
  const { state, target } = move
  const code = String(card.code)
  const program = state.idOf(String(card.campaign_id))
  const holder = personOf(move, card.holder, card.holder_id)
  if (program === undefined) return state.refuse('cards', code, 'its program did not come over')
  if (holder === undefined) return makeCard(move, card, program)
  const body = { customer: { source_id: holder }, voucher: code, ...picked(card, ['metadata']) }
  const written = await target.write('POST', '/v1/loyalties/{campaignId}/members', [program], body, `card:${code}`)
  if (!written.ok) return state.refuse('cards', code, written.reason)
  if (written.body.code !== code) return state.refuse('cards', code, 'the customer has another card here already')
  const problem = await fillCard(move, card, code, numberOf(partOf(written.body, 'loyalty_card').balance))
  if (problem !== undefined) return state.refuse('cards', code, problem)
  if (card.active === false)
    await target.write('POST', '/v1/loyalties/members/{memberId}/disable', [code], undefined, `disable:${code}`)
  state.count('cards', written.isReplay ? 'there' : 'moved')
  if (numberOf(partOf(card, 'loyalty_card').pending_points) > 0)
    state.note('Pending points did not come over: they are added again by the orders to come, or by hand')
}

const groupBy = <T>(entries: readonly T[], keyOf: (entry: T) => string): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>()
  for (const entry of entries) groups.set(keyOf(entry), [...(groups.get(keyOf(entry)) ?? []), entry])
  return groups
}

const isCard = ({ type }: Item): boolean => type === 'LOYALTY_CARD'

export const codes: Step = {
  name: 'codes and cards',
  async run(move) {
    const { state } = move
    if (state.place('codes') === undefined) for (const kind of ['codes', 'cards']) state.begin(kind)
    await eachPage(
      move,
      'codes',
      { kind: 'codes', path: '/v1/vouchers', query: { order: 'created_at' } },
      async (entries) => {
        const cards = entries.filter(isCard)
        const vouchers = entries.filter((one) => !isCard(one))
        state.count('cards', 'read', cards.length)
        state.count('codes', 'read', vouchers.length)
        for (const [campaign, group] of groupBy(vouchers, (one) => textOf(one.campaign_id) ?? ''))
          await importCodes(move, campaign === '' ? undefined : campaign, group)
        await each(cards, (card) => issueCard(move, card))
      },
    )
    move.onProgress('cards', state.counts.cards?.read ?? 0)
  },
}

/** Cards are their holders' by themselves. */
export const publications: Step = {
  name: 'publications',
  async run(move) {
    const { state, target } = move
    if (state.place('publications') === undefined) state.begin('publications')
    await eachPage(
      move,
      'publications',
      { kind: 'publications', path: '/v1/publications', query: { order: 'created_at' } },
      (entries) =>
        each(entries, async (one) => {
          const voucher = partOf(one, 'voucher')
          if (isCard(voucher) || one.result === 'FAILURE') return
          const old = String(one.id)
          const holder = personOf(move, one.customer, one.customer_id)
          const code = textOf(voucher.code)
          state.count('publications', 'read')
          if (holder === undefined || code === undefined)
            return state.refuse('publications', old, 'it names no customer, or no code')
          const body = {
            voucher: code,
            customer: { source_id: holder },
            ...picked(one, ['source_id', 'channel', 'metadata']),
          }
          counted(
            move,
            'publications',
            old,
            await target.write('POST', '/v1/publications', [], body, `publication:${old}`),
          )
        }),
    )
  },
}

const tierOf = (one: Item): string | undefined => textOf(partOf(one, 'promotion_tier').id)

/** Redeems a code or a promotion tier as it was, and takes it back where it was taken back. */
const redeem = async (move: Move, one: Item): Promise<void> => {
  const { state, target } = move
  const old = String(one.id)
  const voucher = partOf(one, 'voucher')
  const holder = personOf(move, one.customer, one.customer_id)
  const isGift = voucher.type === 'GIFT_VOUCHER'
  const tier = tierOf(one)
  const here = tier === undefined ? undefined : state.idOf(tier)
  if (tier !== undefined && here === undefined)
    return state.refuse('redemptions', old, 'its promotion tier did not come over')
  const credits = numberOf(one.amount)
  const order = isItem(one.order) ? orderOf(one.order) : isGift ? { amount: credits } : undefined
  const { status: _, ...asked } = order ?? {}
  const written = await target.write(
    'POST',
    '/v1/redemptions',
    [],
    {
      redeemables: [
        here === undefined
          ? { object: 'voucher', id: voucher.code, ...(isGift ? { gift: { credits } } : {}) }
          : { object: 'promotion_tier', id: here },
      ],
      ...(holder === undefined ? {} : { customer: { source_id: holder } }),
      ...(order === undefined ? {} : { order: asked }),
      metadata: partOf(one, 'metadata'),
      ...picked(one, ['tracking_id']),
    },
    `redemption:${old}`,
  )
  if (!counted(move, 'redemptions', old, written) || !isTakenBack(one)) return
  const [made] = Array.isArray(written.body.redemptions) ? written.body.redemptions.filter(isItem) : []
  const id = made && textOf(made.id)
  // A redemption is taken back by what can be read of it: asking for it waits until it can.
  if (id !== undefined) await target.get('/v1/redemptions/{id}', [id])
  const back =
    id === undefined
      ? undefined
      : await target.write('POST', '/v1/redemptions/{id}/rollback', [id], {}, `rollback:${old}`)
  if (back?.ok !== true) state.note(`Redemption ${old} could not be taken back: ${back?.reason ?? 'it has no id'}`)
}

const isTakenBack = ({ status }: Item): boolean => status === 'ROLLED_BACK'
const isRedemption = (one: Item): boolean => one.object !== 'redemption_rollback' && one.result !== 'FAILURE'

/**
 * Redemptions are made again: then counts, balances and customers' totals are what they were. First those that were taken back, so
 * that the others find room.
 */
export const redemptions: Step = {
  name: 'redemptions',
  async run(move) {
    const { state } = move
    if (state.place('redemptions taken back') === undefined) state.begin('redemptions')
    for (const [list, isMeant] of [
      ['redemptions taken back', isTakenBack],
      ['redemptions', (one: Item) => !isTakenBack(one)],
    ] as const)
      await eachPage(move, list, { kind: 'redemptions', path: '/v1/redemptions' }, async (entries) => {
        // What cards paid for is in their balances; what failed has left nothing.
        const mine = entries.filter((one) => {
          const voucher = partOf(one, 'voucher')
          const isOfCode = voucher.code !== undefined && !isCard(voucher)
          return isRedemption(one) && isMeant(one) && (isOfCode || tierOf(one) !== undefined)
        })
        state.count('redemptions', 'read', mine.length)
        const whatOf = (one: Item): string => tierOf(one) ?? String(partOf(one, 'voucher').code)
        await each([...groupBy(mine, whatOf).values()], async (group) => {
          for (const one of group) await redeem(move, one)
        })
      })
    state.note('Redemptions and publications are dated when they came over')
  },
}

/** What is left on gift vouchers, and when codes are in force, as it was. */
export const settleCodes: Step = {
  name: 'codes in force',
  async run(move) {
    const { state, target } = move
    await eachPage(
      move,
      'codes in force',
      { kind: 'codes', path: '/v1/vouchers', query: { order: 'created_at' } },
      (entries) =>
        each(
          entries.filter((one) => !isCard(one) && isUsed(one)),
          async (voucher) => {
            const code = String(voucher.code)
            if (isItem(voucher.gift)) {
              const here = await target.get('/v1/vouchers/{code}', [code])
              const amount = numberOf(voucher.gift.balance) - numberOf(partOf(here ?? {}, 'gift').balance)
              if (here !== undefined && amount !== 0)
                await target.write(
                  'POST',
                  '/v1/vouchers/{code}/balance',
                  [code],
                  { amount, source_id: 'migrate', reason: 'balance before the move' },
                  `credits:${code}`,
                )
            }
            if (!isBounded(voucher)) return
            const written = await target.write(
              'PUT',
              '/v1/vouchers/{code}',
              [code],
              { ...picked(voucher, WHEN), active: voucher.active !== false },
              `in force:${code}`,
            )
            if (!written.ok && written.status !== 404)
              state.note(`Code ${code} is in force otherwise than before: ${written.reason}`)
          },
        ),
    )
  },
}
