// One customer: the profile, and by tabs everything that happened, what they hold, and who they were before.
import { at, change } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { go, type Params } from '../lib/router.tsx'
import { may, mayAudit, mayErase } from '../lib/session.ts'
import { type Customer as CustomerShape, nameOf } from '../lib/shapes.ts'
import { count } from '../lib/text.ts'
import { Action } from '../parts/dialog.tsx'
import { Card, Page, Tabs } from '../parts/layout.tsx'
import { Facts, Id, Time, Value } from '../parts/small.tsx'
import { Shown } from '../parts/state.tsx'
import { CustomerActivity } from './customerActivity.tsx'
import { AsOf } from './customerAsOf.tsx'
import { CustomerConsents } from './customerConsents.tsx'
import { CustomerCards, CustomerCodes, CustomerMessages, CustomerReferrals, CustomerSegments } from './customerHas.tsx'
import { EditProfile } from './customerProfile.tsx'

const Profile = ({ customer }: { readonly customer: CustomerShape }) => (
  <>
    <div class="columns">
      <Card title="Profile">
        <Facts
          of={[
            ['Id', <Id key="id" id={customer.id} />],
            ['source_id', <Id key="source" id={customer.source_id} />],
            ['Name', customer.name],
            ['E-mail', customer.email],
            ['Phone', customer.phone],
            ['Birthdate', customer.birthdate],
            ['Description', customer.description],
            ['Address', customer.address ? Object.values(customer.address).filter(Boolean).join(', ') : undefined],
            ['Since', <Time key="since" at={customer.created_at} />],
            ['Changed', <Time key="changed" at={customer.updated_at} />],
          ]}
        />
      </Card>
      <Card title="Metadata">
        {Object.keys(customer.metadata).length === 0 ? (
          <p class="soft">Nothing is known beside the profile.</p>
        ) : (
          <Facts
            of={Object.entries(customer.metadata).map(([name, value]) => [name, <Value key={name} value={value} />])}
          />
        )}
        {may('customers.write') && <EditProfile customer={customer} />}
      </Card>
    </div>
    <CustomerConsents id={customer.id} />
  </>
)

const TABS = [
  ['activity', 'Activity'],
  ['profile', 'Profile'],
  ['segments', 'Segments'],
  ['cards', 'Cards'],
  ['codes', 'Codes'],
  ['referrals', 'Referrals'],
  ['messages', 'Messages'],
] as const

const tabContent = (tab: string, customer: CustomerShape) => {
  switch (tab) {
    case 'profile':
      return <Profile customer={customer} />
    case 'segments':
      return <CustomerSegments id={customer.id} />
    case 'cards':
      return <CustomerCards id={customer.id} />
    case 'codes':
      return <CustomerCodes id={customer.id} />
    case 'referrals':
      return <CustomerReferrals customer={customer} />
    case 'messages':
      return <CustomerMessages id={customer.id} />
    case 'as-of':
      return <AsOf customer={customer} />
    default:
      return <CustomerActivity id={customer.id} />
  }
}

/** What is known of a customer as a file, for whoever asks for their data. */
const download = (name: string, value: unknown): void => {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([JSON.stringify(value, undefined, 2)], { type: 'application/json' }))
  link.download = `${name}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

export const Customer = ({ params }: { readonly params: Params }) => {
  const { id = '', tab = 'activity' } = params
  const asked = useAsk<CustomerShape>(at('/v1/customers/{id}', { params: { id } }))
  const { data } = asked
  const base = `/customers/${encodeURIComponent(id)}`
  const tabs = [...TABS, ...(mayAudit() ? ([['as-of', 'As of']] as const) : [])]
  return (
    <Page
      title={data ? nameOf(data) : 'Customer'}
      crumbs={[['/customers', 'Customers']]}
      lead={
        data && (
          <span class="row">
            <Id id={data.source_id ?? data.id} />
            <span>· {count(data.loyalty?.points ?? 0, 'point')}</span>
            <span>
              · since <Time at={data.created_at} form="date" />
            </span>
          </span>
        )
      }
      actions={
        data && (
          <>
            {mayAudit() ? (
              <a
                class="button"
                href={at('/v1/audit/export', { query: { customer: data.id } })}
                download={`${data.source_id ?? data.id}.ndjson`}
              >
                Export
              </a>
            ) : (
              <button type="button" onClick={() => download(data.source_id ?? data.id, data)}>
                Export
              </button>
            )}
            {may('customers.delete') && (
              <Action
                request={change('DELETE', '/v1/customers/{id}', { params: { id: data.id } })}
                question={`The profile of ${nameOf(data)} is taken away, cards are closed, and nothing is sent any more. What was recorded stays in the log.`}
                done="Deleted"
                tone="danger"
                onDone={() => go('/customers')}
              >
                Delete
              </Action>
            )}
            {mayErase() && (
              <Action
                request={change('POST', '/v1/customers/{id}/permanent-deletion', { params: { id: data.id } })}
                question={`${nameOf(data)} is erased for good: the key to all personal data of this customer is destroyed, cards and codes end, messages under way are stopped. Nobody can take that back.`}
                done="Erased"
                tone="danger"
                onDone={() => go('/customers')}
              >
                Erase
              </Action>
            )}
          </>
        )
      }
    >
      <Shown of={asked}>
        {(customer) => (
          <>
            <Tabs
              label="About the customer"
              current={`${base}/${tab}`}
              tabs={tabs.map(([name, title]) => [`${base}/${name}`, title])}
            />
            {tabContent(tab, customer)}
          </>
        )}
      </Shown>
    </Page>
  )
}
