// What a shop gives a customer by hand: a code, a card, points, a reward for points.
import { at, change } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import type { Campaign, ListOf } from '../lib/shapes.ts'
import { Definition } from '../parts/definition.tsx'

/** What is without a campaign is asked for by name instead: a list of all would have no end. */
const MOST = 100

export const Publish = ({ customer }: { readonly customer: string }) => {
  const asked = useAsk<{ readonly campaigns: readonly Campaign[] }>(at('/v1/campaigns', { query: { limit: MOST } }))
  const campaigns = (asked.data?.campaigns ?? []).filter(
    ({ campaign_type: type, active }) => active && type !== 'PROMOTION' && type !== 'LOYALTY_PROGRAM',
  )
  return (
    <Definition
      title="Give a code"
      button="Give a code"
      start={{ campaign: campaigns[0]?.id ?? '', customer: { id: customer } }}
      fields={[
        {
          path: 'campaign',
          label: 'Of the campaign',
          kind: 'choice',
          options: campaigns.map((one) => [one.id, one.name]),
        },
      ]}
      request={(body) => change('POST', '/v1/publications', { body })}
      done="Given"
    />
  )
}

export const Join = ({ customer }: { readonly customer: string }) => {
  const asked = useAsk<{ readonly campaigns: readonly Campaign[] }>(at('/v1/loyalties', { query: { limit: MOST } }))
  const programs = asked.data?.campaigns ?? []
  return (
    <Definition
      title="Join a program"
      button="Join a program"
      start={{ campaign: programs[0]?.id ?? '', customer: { id: customer } }}
      fields={[
        { path: 'campaign', label: 'Program', kind: 'choice', options: programs.map((one) => [one.id, one.name]) },
      ]}
      request={(body) => {
        const { campaign: campaignId, ...member } = body as { readonly campaign: string }
        return change('POST', '/v1/loyalties/{campaignId}/members', { params: { campaignId }, body: member })
      }}
      done="Joined"
    />
  )
}

export const ChangePoints = ({ code }: { readonly code: string }) => (
  <Definition
    title="Add or take points"
    button="Change points"
    tone="quiet"
    start={{ points: 10 }}
    fields={[
      { path: 'points', label: 'Points', kind: 'number', isRequired: true, hint: 'Below zero: they are taken' },
      { path: 'reason', label: 'Reason', hint: 'Stands in the ledger' },
    ]}
    request={(body) => change('POST', '/v1/loyalties/members/{memberId}/balance', { params: { memberId: code }, body })}
    done="Changed"
  />
)

interface Offer {
  readonly reward_id: string
  readonly object: string
}

export const SpendPoints = ({ code, program }: { readonly code: string; readonly program: string }) => {
  const offers = useAsk<ListOf<Offer>>(
    at('/v1/loyalties/{campaignId}/rewards', { params: { campaignId: program }, query: { limit: MOST } }),
  )
  const rewards = useAsk<ListOf<{ readonly id: string; readonly name: string }>>(
    at('/v1/rewards', { query: { limit: MOST } }),
  )
  const names = new Map((rewards.data?.data ?? []).map(({ id, name }) => [id, name]))
  const offered = offers.data?.data ?? []
  if (offered.length === 0) return null
  return (
    <Definition
      title="Pay a reward with points"
      button="Spend points"
      tone="quiet"
      start={{ reward: { id: offered[0]?.reward_id } }}
      fields={[
        {
          path: 'reward.id',
          label: 'Reward',
          kind: 'choice',
          options: offered.map(({ reward_id: id }) => [id, names.get(id) ?? id]),
        },
      ]}
      request={(body) =>
        change('POST', '/v1/loyalties/members/{memberId}/redemption', { params: { memberId: code }, body })
      }
      done="Redeemed"
    />
  )
}
