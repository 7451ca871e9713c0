// Customers where something else is shown: by their name, with the way to their profile.
import { useNamed } from '../lib/named.ts'
import { Link } from '../lib/router.tsx'
import { may } from '../lib/session.ts'
import { type Called, nameOf } from '../lib/shapes.ts'

/** What is shown of a customer; `activity` comes first. */
type Tab = 'activity' | 'segments' | 'cards' | 'codes' | 'referrals' | 'messages'

export const customerPath = (id: string, tab: Tab = 'activity'): string => `/customers/${encodeURIComponent(id)}/${tab}`

interface Shown {
  readonly tab?: Tab | undefined
}

interface ById extends Shown {
  readonly id: string
  /** What the customer is called beside, where nobody has the id. */
  readonly called?: string | undefined
}

/** A customer who is known, or of whom no more than the id is. */
export const CustomerLink = ({ customer, tab }: Shown & { readonly customer: Called }) =>
  may('customers.read') ? (
    <Link to={customerPath(customer.id, tab)} class="wrap">
      {nameOf(customer)}
    </Link>
  ) : (
    <span class="wrap">{nameOf(customer)}</span>
  )

/** A customer of whom an id is recorded and no name, as personal data is kept in one place: the name is looked up. */
export const CustomerOf = ({ id, ...rest }: Omit<ById, 'id'> & { readonly id: string | null | undefined }) =>
  id ? <Found id={id} {...rest} /> : <span class="soft">–</span>

const Found = ({ id, tab, called = id }: ById) => {
  const named = useNamed(id)
  if (named === undefined) return <span class="soft">…</span>
  if (named !== null) return <CustomerLink customer={named} tab={tab} />
  return (
    <>
      <span class="wrap">{called}</span>
      <div class="soft small nowrap">deleted, or not there yet</div>
    </>
  )
}
