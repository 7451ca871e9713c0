// Customers: finding one by whatever is known, and the newest ones.

import { useEffect, useState } from 'preact/hooks'
import { at, change, send } from '../lib/api.ts'
import { useList } from '../lib/ask.ts'
import { go, Link, query, withQuery } from '../lib/router.tsx'
import { may } from '../lib/session.ts'
import { type Customer, nameOf } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { CustomerLink, customerPath } from '../parts/customer.tsx'
import { Definition } from '../parts/definition.tsx'
import { Form } from '../parts/form.tsx'
import { Page } from '../parts/layout.tsx'
import { Id, Time } from '../parts/small.tsx'
import { Empty } from '../parts/state.tsx'
import { List } from '../parts/table.tsx'

/** Which parameter of the list a text asks for: what has an @ is an e-mail address, what begins with + a phone number. */
const filterOf = (text: string): { readonly email?: string; readonly phone?: string; readonly name?: string } => {
  if (text === '') return {}
  if (text.includes('@')) return { email: text }
  return /^\+?[\d ()-]{6,}$/.test(text) ? { phone: text } : { name: text }
}

export const Customers = () => {
  const wanted = query.value.get('q') ?? ''
  const [text, setText] = useState(wanted)
  const [exact, setExact] = useState<Customer>()
  useEffect(() => setText(wanted), [wanted])
  useEffect(() => {
    setExact(undefined)
    if (wanted === '') return
    const gone = new AbortController()
    // An id or source_id names one customer; that nobody has it is no news here.
    send<Customer>({ method: 'GET', path: at('/v1/customers/{id}', { params: { id: wanted } }) }, gone.signal).then(
      (found) => !gone.signal.aborted && setExact(found),
      () => undefined,
    )
    return () => gone.abort()
  }, [wanted])
  const list = useList<Customer>(at('/v1/customers', { query: { ...filterOf(wanted), limit: 25 } }))
  const shown =
    exact && list.entries && !list.entries.some(({ id }) => id === exact.id)
      ? { ...list, entries: [exact, ...list.entries], total: (list.total ?? 0) + 1 }
      : list
  return (
    <Page
      title="Customers"
      actions={
        may('customers.write') && (
          <>
            <Link to="/imports?of=customers" class="button">
              Import a file
            </Link>
            <Definition
              title="New customer"
              button="New customer"
              start={{ source_id: '' }}
              fields={[
                {
                  path: 'source_id',
                  label: 'source_id',
                  isRequired: true,
                  hint: 'The customer’s id in your own systems',
                },
                { path: 'name', label: 'Name' },
                { path: 'email', label: 'E-mail' },
                { path: 'phone', label: 'Phone' },
              ]}
              request={(body) => change('POST', '/v1/customers', { body })}
              done="Made"
              onDone={(made) => go(customerPath((made as Customer).id))}
            />
          </>
        )
      }
    >
      <Form class="filters" onSend={() => go(withQuery({ q: text.trim() }))}>
        <input
          type="search"
          class="grow"
          aria-label="Find a customer"
          placeholder="source_id, e-mail, phone, whole name or id"
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
        />
        <button type="submit" class="main">
          Find
        </button>
      </Form>
      <List
        label="Customers"
        list={shown}
        rowKey={({ id }) => id}
        columns={[
          {
            head: 'Name',
            wide: true,
            cell: (one) => (
              <div>
                <CustomerLink customer={one} />
                {one.email && one.email !== nameOf(one) && <div class="soft small wrap">{one.email}</div>}
              </div>
            ),
          },
          { head: 'source_id', cell: ({ source_id }) => <Id id={source_id} /> },
          { head: 'Points', align: 'right', cell: ({ loyalty }) => number(loyalty?.points) },
          { head: 'Since', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
        ]}
        empty={
          wanted === '' ? (
            <Empty title="There are no customers yet">
              A customer is made by the first event that names one, by hand, or from a file.
            </Empty>
          ) : (
            <Empty title={`Nobody is found by “${wanted}”`} action={<Link to="/customers">Show all customers</Link>}>
              A name is found by the whole of it, an e-mail address in any case.
            </Empty>
          )
        }
      />
    </Page>
  )
}
