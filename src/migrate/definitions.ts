// Definitions: event schemas, campaigns, segments, rules and what they are attached to, rewards, tiers, earning rules. What names
// others comes after them, under the ids that they have here.
import { type Item, partOf, picked, renamed, textOf } from './item.ts'
import { idOf, makeAll, onceOver, programsOf, promotionsOf } from './make.ts'
import { counted, each, type Move, readable } from './move.ts'
import { CATEGORIES, METADATA_SCHEMAS, PROMOTION_STACKS, PROMOTION_TIERS, STACKING_RULES } from './source.ts'

export const schemas = onceOver('event schemas', ['event schemas'], async (move) => {
  const items = await readable(move, 'Event schemas', move.source.eventSchemas)
  await makeAll(move, items, {
    kind: 'event schemas',
    listed: '/v1/event-schemas',
    make: (item) => ({ path: '/v1/event-schemas', body: picked(item, ['name', 'schema']) }),
  })
})

export const categories = onceOver('categories', ['categories'], async (move) => {
  await makeAll(move, await readable(move, 'Categories', () => move.source.all(CATEGORIES)), {
    kind: 'categories',
    listed: CATEGORIES,
    make: (item) => ({ path: CATEGORIES, body: picked(item, ['name', 'hierarchy']) }),
  })
})

const CAMPAIGN = [
  'name',
  'description',
  'campaign_type',
  'type',
  'voucher',
  'auto_join',
  'activity_duration_after_publishing',
  'category',
  'category_id',
  'metadata',
  'max_per_customer',
  'max_per_period',
  'loyalty_tiers_expiration',
  'referral_program',
]

/** While records come over everything is in force, and a customer may get any code: see `settleCampaigns`. */
const openCampaign = (item: Item): { readonly path: string; readonly body: unknown } => {
  const isProgram = item.campaign_type === 'LOYALTY_PROGRAM'
  const { voucher, ...said } = picked(item, CAMPAIGN)
  const { loyalty_card: card, ...worth } = picked(partOf(item, 'voucher'), [
    'type',
    'code_config',
    'redemption',
    'is_referral_code',
    'loyalty_card',
    'discount',
    'gift',
    'metadata',
  ])
  const opened =
    card === undefined
      ? {}
      : {
          loyalty_card: { ...picked(partOf(partOf(item, 'voucher'), 'loyalty_card'), ['expiration_rules']), points: 0 },
        }
  return {
    path: isProgram ? '/v1/loyalties' : '/v1/campaigns',
    body: {
      ...said,
      ...(voucher === undefined ? {} : { voucher: { ...worth, ...opened } }),
      join_once: false,
      active: true,
    },
  }
}

export const campaigns = onceOver('campaigns', ['campaigns'], async (move) => {
  await makeAll(move, await move.source.all('/v1/campaigns'), {
    kind: 'campaigns',
    listed: '/v1/campaigns',
    make: openCampaign,
  })
})

export const rewards = onceOver(
  'rewards and tiers',
  ['rewards', 'reward assignments', 'loyalty tiers'],
  async (move) => {
    const { source, state } = move
    await makeAll(move, await readable(move, 'Rewards', () => source.all('/v1/rewards')), {
      kind: 'rewards',
      make: (item) => ({
        path: '/v1/rewards',
        body: picked(item, ['name', 'type', 'parameters', 'stock', 'attributes', 'metadata']),
      }),
    })
    for (const program of await programsOf(move)) {
      const offers = await source.all('/v1/loyalties/{campaignId}/reward-assignments', [idOf(program)])
      await makeAll(move, offers, {
        kind: 'reward assignments',
        make: (item) => ({
          path: '/v1/rewards/{id}/assignments',
          params: [state.idOf(String(item.reward_id)) ?? String(item.reward_id)],
          body: { campaign: idOf(program), ...picked(item, ['parameters']) },
        }),
      })
      const tiers = await source.all('/v1/loyalties/{campaignId}/tiers', [idOf(program)])
      await makeAll(move, tiers, {
        kind: 'loyalty tiers',
        make: (item) => ({
          path: '/v1/loyalties/{campaignId}/tiers',
          params: [state.idOf(idOf(program))!],
          body: [picked(item, ['name', 'points', 'config', 'metadata'])],
        }),
      })
    }
  },
)

/** The tiers of promotions, in force until all that was redeemed is redeemed again, and the stacks of them. */
export const promotions = onceOver('promotions', ['promotion tiers', 'promotion stacks'], async (move) => {
  const { source, state } = move
  for (const promotion of await promotionsOf(move)) {
    const params = [state.idOf(idOf(promotion))!]
    await makeAll(move, await source.all(PROMOTION_TIERS, [idOf(promotion)]), {
      kind: 'promotion tiers',
      make: (item) => ({
        path: PROMOTION_TIERS,
        params,
        body: picked(item, ['name', 'banner', 'action', 'hierarchy', 'category', 'category_id', 'metadata']),
      }),
    })
    await makeAll(move, await source.all(PROMOTION_STACKS, [idOf(promotion)]), {
      kind: 'promotion stacks',
      make: (item) => ({ path: PROMOTION_STACKS, params, body: picked(item, ['name', 'tiers', 'category_id']) }),
    })
  }
})

/** Ids here of the customers whom a list of the old project holds. */
const membersOf = async (move: Move, segment: string): Promise<readonly string[]> => {
  const members = await move.source.all('/v1/customers', [], { segment_id: segment })
  const ids: string[] = []
  await each(members, async (member) => {
    const customer = await move.target.get('/v1/customers/{id}', [textOf(member.source_id) ?? idOf(member)])
    const id = customer && textOf(customer.id)
    if (id !== undefined) ids.push(id)
    else move.state.note(`Customers of static segments who did not come over are not in them here`)
  })
  return ids
}

export const segments = onceOver('segments', ['segments'], async (move) => {
  const items = await move.source.all('/v1/segments')
  const listed = new Map<string, readonly string[]>()
  for (const one of items)
    if (one.type === 'static' && move.state.idOf(idOf(one)) === undefined)
      listed.set(idOf(one), await membersOf(move, idOf(one)))
  await makeAll(move, items, {
    kind: 'segments',
    listed: '/v1/segments',
    make: (item) => ({
      path: '/v1/segments',
      body: {
        ...picked(item, ['name', 'type', 'filter', 'condition', 'trigger_on_rollout']),
        ...(listed.has(idOf(item)) ? { customers: listed.get(idOf(item)) } : {}),
      },
    }),
  })
})

export const rules = onceOver('validation rules', ['validation rules', 'assignments of rules'], async (move) => {
  const { source, state } = move
  await makeAll(move, await source.all('/v1/validation-rules'), {
    kind: 'validation rules',
    make: (item) => ({
      path: '/v1/validation-rules',
      body: picked(item, ['name', 'type', 'context_type', 'rules', 'error', 'applicable_to', 'condition']),
    }),
  })
  /** Codes are known here by themselves, in the old project by an id as well. */
  const codeOf = async (name: string): Promise<string> =>
    textOf((await source.get('/v1/vouchers/{code}', [name]))?.code) ?? name
  const assignments = await source.all('/v1/validation-rules-assignments')
  // Earning rules name their rule themselves.
  for (const one of assignments.filter(({ related_object_type: type }) => type !== 'earning_rule')) {
    const [type, related, rule] = [String(one.related_object_type), String(one.related_object_id), String(one.rule_id)]
    state.count('assignments of rules', 'read')
    const here = state.idOf(rule)
    if (here === undefined) {
      state.refuse('assignments of rules', idOf(one), 'its validation rule did not come over')
      continue
    }
    const to = type === 'voucher' ? await codeOf(related) : (state.idOf(related) ?? related)
    const written = await move.target.write(
      'POST',
      '/v1/validation-rules/{id}/assignments',
      [here],
      { related_object_type: type, related_object_id: to },
      `assignment:${idOf(one)}`,
    )
    if (!written.ok && written.status === 409) state.count('assignments of rules', 'there')
    else counted(move, 'assignments of rules', idOf(one), written)
  }
})

const EARNING = [
  'event',
  'custom_event',
  'segment',
  'loyalty_tier',
  'validation_rule_id',
  'loyalty',
  'active',
  'start_date',
  'expiration_date',
  'validity_timeframe',
  'validity_day_of_week',
  'validity_hours',
  'pending_points',
  'expiration_rules',
  'metadata',
  'max_per_customer',
  'max_per_period',
  'cooldown',
  'stacking',
]

/** Last, so that nothing that comes over earns points a second time. */
export const earningRules = onceOver('earning rules', ['earning rules'], async (move) => {
  const { source, state, target } = move
  for (const program of await programsOf(move)) {
    const here = state.idOf(idOf(program))!
    const items = await source.all('/v1/loyalties/{campaignId}/earning-rules', [idOf(program)])
    await makeAll(move, items, {
      kind: 'earning rules',
      make: (item) => {
        const banner = textOf(partOf(item, 'source').banner)
        const body = { ...picked(item, EARNING), ...(banner === undefined ? {} : { source: { banner } }) }
        return { path: '/v1/loyalties/{campaignId}/earning-rules', params: [here], body: [body] }
      },
    })
    for (const tier of await source.all('/v1/loyalties/{campaignId}/tiers', [idOf(program)])) {
      const mapped = picked(tier, ['earning_rules', 'rewards'])
      const own = state.idOf(idOf(tier))
      if (own === undefined || Object.values(mapped).every((one) => Object.keys(one as object).length === 0)) continue
      const written = await target.write(
        'PUT',
        '/v1/loyalties/{campaignId}/tiers/{tierId}',
        [here, own],
        renamed({ ...picked(tier, ['name', 'points', 'config', 'metadata']), ...mapped }, state.idOf),
        `tier mapping:${idOf(tier)}`,
      )
      if (!written.ok)
        state.note(
          `What loyalty tier ${JSON.stringify(tier.name)} changes of rules and rewards did not come over: ${written.reason}`,
        )
    }
  }
})

const STACKING = [
  'redeemables_limit',
  'applicable_redeemables_limit',
  'applicable_redeemables_per_category_limit',
  'applicable_redeemables_category_limits',
  'applicable_exclusive_redeemables_limit',
  'applicable_exclusive_redeemables_per_category_limit',
  'exclusive_categories',
  'joint_categories',
  'discount_calculation_mode',
  'initial_amount_mode_categories',
  'discounted_amount_mode_categories',
  'redeemables_application_mode',
  'redeemables_sorting_rule',
  'redeemables_products_application_mode',
  'redeemables_no_effect_rule',
  'no_effect_skip_categories',
  'no_effect_redeem_anyway_categories',
  'redeemables_rollback_order_mode',
]

/** After everything was redeemed again. A bound of null is none, and not the default. */
export const stackingRules = onceOver('stacking rules', ['stacking rules'], async (move) => {
  await makeAll(move, await readable(move, 'Stacking rules', move.source.stackingRules), {
    kind: 'stacking rules',
    make: (item) => ({
      path: STACKING_RULES,
      body: Object.fromEntries(STACKING.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]]))),
    }),
  })
})

/** After all that they would be asked of. */
export const metadataSchemas = onceOver('metadata schemas', ['metadata schemas'], async (move) => {
  await makeAll(move, await readable(move, 'Metadata schemas', () => move.source.all(METADATA_SCHEMAS)), {
    kind: 'metadata schemas',
    make: (item) => ({
      path: METADATA_SCHEMAS,
      body: picked(item, ['related_object', 'allow_defined_only', 'properties']),
    }),
  })
})
