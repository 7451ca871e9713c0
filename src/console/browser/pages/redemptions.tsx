// Redemptions of all codes and promotions, the refused ones with their reasons, and rolling one back.
import { at } from '../lib/api.ts'
import { go, query, withQuery } from '../lib/router.tsx'
import { Select } from '../parts/form.tsx'
import { Page } from '../parts/layout.tsx'
import { RedemptionList } from './customerHas.tsx'

const RESULTS = [
  ['', 'Every result'],
  ['SUCCESS', 'Redeemed'],
  ['FAILURE', 'Refused'],
] as const

export const Redemptions = () => {
  const result = query.value.get('result') ?? ''
  const wanted = RESULTS.find(([one]) => one === result)?.[0] || undefined
  return (
    <Page title="Redemptions" lead="Every use of a code or a promotion, and every one that was refused.">
      <div class="filters">
        <Select
          aria-label="Result"
          value={result}
          onValue={(value) => go(withQuery({ result: value }))}
          options={RESULTS}
        />
      </div>
      <RedemptionList address={at('/v1/redemptions', { query: { limit: 25, result: wanted } })} label="Redemptions" />
    </Page>
  )
}
