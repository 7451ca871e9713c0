// What a customer said of being written to, by channel, and noting it by hand.
import { at, carryOut, change } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { may } from '../lib/session.ts'
import { channelWords } from '../lib/text.ts'
import { Select } from '../parts/form.tsx'
import { Card } from '../parts/layout.tsx'
import { State, Time } from '../parts/small.tsx'
import { Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { say, sayFault } from '../parts/toast.tsx'

interface Consent {
  readonly channel: string
  readonly consent: 'given' | 'refused' | null
  readonly updated_at: string | null
  readonly may_be_written_to: boolean
  readonly reason: string | null
}

const SAID = [
  ['', 'Not asked'],
  ['given', 'Agreed'],
  ['refused', 'Refused'],
] as const

export const CustomerConsents = ({ id }: { readonly id: string }) => {
  const asked = useAsk<{ readonly consents: readonly Consent[] }>(at('/v1/customers/{id}/consents', { params: { id } }))
  const note = (channel: string, said: string) => {
    const body = { consents: { [channel]: said === '' ? null : said }, source: 'console' }
    return carryOut(change('PUT', '/v1/customers/{id}/consents', { params: { id }, body })).then(
      () => say('Noted'),
      sayFault,
    )
  }
  return (
    <Card title="Messages to this customer">
      <Shown of={asked} rows={3}>
        {({ consents }) => (
          <Table
            label="What the customer said, by channel"
            rows={consents}
            rowKey={({ channel }) => channel}
            columns={[
              { head: 'Channel', cell: ({ channel }) => <span class="nowrap">{channelWords(channel)}</span> },
              {
                head: 'The customer',
                cell: ({ channel, consent }) =>
                  may('customers.write') ? (
                    <Select
                      aria-label={`${channelWords(channel)}: what the customer said`}
                      value={consent ?? ''}
                      onValue={(said) => note(channel, said)}
                      options={SAID}
                    />
                  ) : (
                    SAID.find(([one]) => one === (consent ?? ''))?.[1]
                  ),
              },
              {
                head: 'May be sent',
                wide: true,
                cell: ({ may_be_written_to: isFree, reason }) => (
                  <>
                    <State state={isFree ? 'yes' : 'no'} tone={isFree ? 'good' : 'plain'} />
                    {reason && <div class="soft small">{reason.replaceAll('_', ' ')}</div>}
                  </>
                ),
              },
              { head: 'Since', cell: ({ updated_at }) => <Time at={updated_at} form="date" /> },
            ]}
          />
        )}
      </Shown>
    </Card>
  )
}
