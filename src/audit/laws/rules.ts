// Law: redemptions keep to the rules that bound them by campaign, by customer and by period.
import { allOf, type Defined, definedOf } from './definitions.ts'
import { type Law, type LawRecord, law } from './law.ts'
import { type Data, dataAt, listAt, numberAt, textAt } from './read.ts'

/** What is counted, and within which stretch of days. */
interface Scope {
  readonly of: 'code' | 'campaign'
  readonly perCustomer: boolean
  readonly perKey: boolean
  readonly period: 'ever' | 'day' | 'week' | 'month'
}

const scope = (of: Scope['of'], more: Partial<Scope> = {}): Scope => ({
  of,
  perCustomer: false,
  perKey: false,
  period: 'ever',
  ...more,
})

const SCOPES: Readonly<Record<string, Scope>> = {
  'redemption.count.daily': scope('code', { period: 'day' }),
  'redemption.count.weekly': scope('code', { period: 'week' }),
  'redemption.count.monthly': scope('code', { period: 'month' }),
  'redemption.count.per_api_key': scope('code', { perKey: true }),
  'redemption.count.per_customer': scope('code', { perCustomer: true }),
  'redemption.count.per_customer.daily': scope('code', { perCustomer: true, period: 'day' }),
  'redemption.count.per_customer.weekly': scope('code', { perCustomer: true, period: 'week' }),
  'redemption.count.per_customer.monthly': scope('code', { perCustomer: true, period: 'month' }),
  'campaign.redemptions.count': scope('campaign'),
  'campaign.redemptions.count.daily': scope('campaign', { period: 'day' }),
  'campaign.redemptions.count.weekly': scope('campaign', { period: 'week' }),
  'campaign.redemptions.count.monthly': scope('campaign', { period: 'month' }),
  'campaign.redemptions.customers_count': scope('campaign', { perCustomer: true }),
  'campaign.redemptions.customers_count.daily': scope('campaign', { perCustomer: true, period: 'day' }),
  'campaign.redemptions.customers_count.weekly': scope('campaign', { perCustomer: true, period: 'week' }),
  'campaign.redemptions.customers_count.monthly': scope('campaign', { perCustomer: true, period: 'month' }),
}

interface Limit {
  readonly rule: string
  readonly name: string
  readonly most: number
}

/** Only rules whose conditions must all hold bound anything for certain. */
const CONJUNCTION = /^\s*\d+(?:\s+and\s+\d+)*\s*$/

/** The limits that a rule sets for certain. */
const limitsOf = ({ id, definition }: Defined): readonly Limit[] => {
  const rules = dataAt(definition, 'rules')
  const logic = textAt(rules, 'logic')
  if (logic === undefined || !CONJUNCTION.test(logic)) return []
  return logic.split('and').flatMap((part): readonly Limit[] => {
    const rule = dataAt(rules, part.trim())
    const name = textAt(rule, 'name') ?? ''
    if (SCOPES[name] === undefined) return []
    const below = listAt(rule, 'conditions', '$less_than')[0]
    const upTo = listAt(rule, 'conditions', '$less_than_or_equal')[0]
    const bounds = [...(typeof below === 'number' ? [below - 1] : []), ...(typeof upTo === 'number' ? [upTo] : [])]
    return bounds.length === 0 ? [] : [{ rule: id, name, most: Math.min(...bounds) }]
  })
}

/** Whether a definition had its form already when a redemption was decided; what changed meanwhile says nothing about it. */
const isOlder = (defined: Defined, rulebook: string | undefined): boolean =>
  rulebook !== undefined && /^\d+$/.test(rulebook) && defined.revision <= BigInt(rulebook)

const namesOf = (data: Data): ReadonlySet<string> =>
  new Set(
    [
      ['voucher', textAt(data, 'voucher', 'id')],
      ['voucher', textAt(data, 'voucher', 'code')],
      ['campaign', textAt(data, 'campaign', 'id')],
      ['campaign', textAt(data, 'campaign', 'name')],
      ['promotion_tier', textAt(data, 'promotion', 'id')],
    ].flatMap(([type, name]) => (name === undefined ? [] : [`${type} ${name}`])),
  )

/** The limits that stood before a redemption. */
const limitsBefore = ({ data, metadata, definitions }: LawRecord): readonly Limit[] => {
  const names = namesOf(data)
  const rulebook = textAt(metadata, 'rulebook')
  const limits: Limit[] = []
  for (const assignment of allOf(definitions, 'Assignment')) {
    const type = textAt(assignment.definition, 'related_object_type')
    const target = textAt(assignment.definition, 'related_object_id')
    if (!names.has(`${type} ${target}`) || !isOlder(assignment, rulebook)) continue
    const rule = definedOf(definitions, 'ValidationRule', textAt(assignment.definition, 'rule_id') ?? '')
    if (rule && isOlder(rule, rulebook)) limits.push(...limitsOf(rule))
  }
  return limits
}

const DAY_MS = 86_400_000

/** The stretch that a day (`YYYY-MM-DD`) lies in: weeks begin on Monday. */
const stretchOf = (day: string, period: Scope['period']): string => {
  if (period === 'ever') return ''
  if (period === 'day') return day
  if (period === 'month') return day.slice(0, 7)
  const days = Math.floor(Date.parse(`${day}T00:00:00Z`) / DAY_MS)
  return `week ${Math.floor((days + 3) / 7)}`
}

const customerOf = (stream: string): string | undefined =>
  stream.startsWith('customer-') ? stream.slice('customer-'.length) : undefined

/** What is counted of a redemption, of its customer or of all: one name for each scope that it falls into. */
const counted = ({ stream, data }: LawRecord, { ofCustomer }: { readonly ofCustomer: boolean }): readonly string[] => {
  const names: string[] = []
  const customer = customerOf(stream)
  for (const [name, { of, perCustomer, perKey, period }] of Object.entries(SCOPES)) {
    const target = of === 'code' ? textAt(data, 'voucher', 'id') : textAt(data, 'campaign', 'id')
    if (target === undefined || perCustomer !== ofCustomer || (perCustomer && customer === undefined)) continue
    const who = perCustomer ? ` of ${customer}` : perKey ? ` by ${textAt(data, 'share', 'apiKey')}` : ''
    names.push(`${name} ${target}${who} ${stretchOf(textAt(data, 'share', 'day') ?? '', period)}`.trim())
  }
  return names
}

const OF_CUSTOMER = 'redemptions of '

/** Redemptions by what is counted. */
type Counts = Readonly<Record<string, number>>

const one: Law<Counts> = {
  name: 'rules-keep-their-limits',
  says: 'Redemptions, less those rolled back, are within the limits that rules set for a code, a campaign, a customer or a period.',
  subjects: (record) => {
    const customer = customerOf(record.stream)
    const own = customer === undefined ? [] : [`${OF_CUSTOMER}${customer}`]
    if (record.type === 'CustomerDeleted') return own
    if (record.type !== 'RedemptionSucceeded' && record.type !== 'RedemptionRolledBack') return []
    return [...own, ...counted(record, { ofCustomer: false })]
  },
  evolve: (known = {}, record, subject, report) => {
    // Whoever comes back after that begins anew.
    if (record.type === 'CustomerDeleted') return undefined
    const names = subject.startsWith(OF_CUSTOMER) ? counted(record, { ofCustomer: true }) : [subject]
    const change = record.type === 'RedemptionRolledBack' ? -1 : 1
    const after = Object.entries({
      ...known,
      ...Object.fromEntries(names.map((name) => [name, (known[name] ?? 0) + change])),
    })
    if (change > 0)
      for (const { rule, name, most } of limitsBefore(record))
        for (const [what, times] of after)
          if (names.includes(what) && what.startsWith(`${name} `) && times > most)
            report({ details: `${what}: ${times} redemptions, and rule ${rule} allows ${most}` })
    const left = after.filter(([, times]) => times > 0)
    return left.length === 0 ? undefined : Object.fromEntries(left)
  },
}

export const ruleLimits = law(one)

/** What a reward's stock has given away. */
const stock: Law<number> = {
  name: 'rewards-keep-their-stock',
  says: 'No more of a reward are reserved, less those released and returned, than its stock has.',
  subjects: ({ type, stream }) => (/^Reward(?:Reserved|Released|Returned)$/.test(type) ? [stream] : []),
  evolve: (known = 0, { type, data, metadata, definitions }, subject, report) => {
    if (type !== 'RewardReserved') return known - 1
    const reward = definedOf(definitions, 'Reward', textAt(data, 'reward') ?? '')
    const most =
      reward && isOlder(reward, textAt(metadata, 'rulebook')) ? numberAt(reward.definition, 'stock') : undefined
    const times = known + 1
    if (most !== undefined && times > most)
      report({ details: `${subject}: ${times} of ${most} are given away`, facts: [] })
    return times
  },
}

export const rewardStock = law(stock)
