// Law: conversions and what follows from them match one to one.
import { type Law, type LawRecord, law, type OnceLaw } from './law.ts'
import { numberAt, textAt } from './read.ts'

interface Known {
  /** The conversion, where there was one. */
  readonly converted?: { readonly stream: string; readonly fact: string }
  readonly credited: boolean
  /** Rewards that were given or withheld: role and tier. */
  readonly paid: ReadonlySet<string>
}

const NEW: Known = { credited: false, paid: new Set() }

const conversionOf = ({ type, data }: LawRecord): string | undefined => {
  if (type === 'ReferralConverted') return textAt(data, 'cause', 'fact')
  return /^Referral(?:Credited|Rewarded|RewardWithheld)$/.test(type) ? textAt(data, 'conversion') : undefined
}

const one: Law<Known> = {
  name: 'referrals-match',
  says: 'A conversion happens once, is credited once, and pays each of its rewards once.',
  subjects: (record) => {
    const conversion = conversionOf(record)
    return conversion === undefined ? [] : [`conversion ${conversion}`]
  },
  evolve: (known = NEW, { type, data, stream, id }, subject, report) => {
    const about = known.converted ? { streams: [known.converted.stream], facts: [known.converted.fact] } : {}
    if (type === 'ReferralConverted') {
      if (known.converted) report({ details: `${subject} happens twice`, ...about })
      return { ...known, converted: { stream, fact: id } }
    }
    if (!known.converted) report({ details: `${subject}: ${type} without the conversion` })
    if (type === 'ReferralCredited') {
      if (known.credited) report({ details: `${subject} is credited twice`, ...about })
      return { ...known, credited: true }
    }
    const reward = `${textAt(data, 'role')} ${numberAt(data, 'tier') ?? ''}`.trim()
    if (known.paid.has(reward)) report({ details: `${subject}: the reward of ${reward} is paid twice`, ...about })
    return { ...known, paid: new Set([...known.paid, reward]) }
  },
}

export const referrals = law(one)

export const referredOnce: OnceLaw = {
  name: 'referred-once',
  says: 'A customer is referred once in a program.',
  once: ({ type, stream, data }) => {
    const campaign = type === 'ReferralConverted' ? textAt(data, 'campaign', 'id') : undefined
    return campaign === undefined ? [] : [`conversion of ${stream} in ${campaign}`]
  },
}
