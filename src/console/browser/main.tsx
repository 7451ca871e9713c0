// The console's start: who is there, which page the address stands for, and what is around it.
import './main.css'
import { type ComponentType, lazy, render, Suspense } from 'preact/compat'
import { useEffect } from 'preact/hooks'
import { ApiError, sessionEnded } from './lib/api.ts'
import { listenToKeys } from './lib/keys.ts'
import { Link, matched, type Params, path } from './lib/router.tsx'
import { findSession, session, startError } from './lib/session.ts'
import './lib/theme.ts'
import { Home } from './pages/home.tsx'
import { SetPassword, SignIn } from './pages/signIn.tsx'
import { Help } from './parts/help.tsx'
import { Frame, Page } from './parts/layout.tsx'
import { Empty, Failed, Loading } from './parts/state.tsx'
import { Toasts } from './parts/toast.tsx'

type PageOf = ComponentType<{ readonly params: Params }>

/** How often it is asked whether the server is back, and for how long a page is not begun anew by itself, ms. */
const COMES_BACK_MS = 3_000
const YOUNG_MS = 10_000

/**
 * In place of a page whose code did not come: the server is away, or is of another version by now, whose pages are in other files.
 * Browsers remember that it did not come, so the console begins anew at the same address once the server answers.
 */
const NotFetched = () => {
  const again = async (isByItself: boolean) => {
    const answer = await fetch('/health/live').catch(() => undefined)
    // One that does not come from a server that answers would be asked for without end.
    if (answer?.ok && !(isByItself && performance.now() < YOUNG_MS)) window.location.reload()
  }
  useEffect(() => {
    const timer = setInterval(() => void again(true), COMES_BACK_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <Page title="This page did not come">
      <Failed error={new ApiError(0, 'unreachable', NOT_FETCHED, '', undefined)} again={() => void again(false)} />
    </Page>
  )
}
const NOT_FETCHED = 'It comes by itself as soon as the server answers.'

/** A page whose code comes when it is first looked at. */
const later = (load: () => Promise<PageOf>): PageOf =>
  lazy(async () => ({ default: await load().catch((): PageOf => NotFetched) }))

const customers = () => import('./pages/customers.tsx')
const customer = later(() => import('./pages/customer.tsx').then((m) => m.Customer))
const schemas = () => import('./pages/schemas.tsx')
const segments = () => import('./pages/segments.tsx')
const incentives = () => import('./pages/incentives.tsx')
const messages = () => import('./pages/messages.tsx')
const operation = () => import('./pages/operation.tsx')

/** Which page an address stands for, the specific before the general. */
const PAGES: readonly (readonly [form: string, page: PageOf])[] = [
  ['/', Home],
  ['/customers', later(() => customers().then((m) => m.Customers))],
  ['/customers/:id', customer],
  ['/customers/:id/:tab', customer],
  ['/event-schemas', later(() => schemas().then((m) => m.Schemas))],
  ['/event-schemas/new', later(() => schemas().then((m) => m.NewSchema))],
  ['/event-schemas/:id', later(() => schemas().then((m) => m.Schema))],
  ['/metadata-schemas', later(() => import('./pages/metadataSchemas.tsx').then((m) => m.MetadataSchemas))],
  ['/metadata-schemas/:id', later(() => import('./pages/metadataSchemas.tsx').then((m) => m.MetadataSchema))],
  ['/refused', later(() => import('./pages/refused.tsx').then((m) => m.Refused))],
  ['/segments', later(() => segments().then((m) => m.Segments))],
  ['/segments/new', later(() => import('./pages/builder.tsx').then((m) => m.Builder))],
  ['/segments/:id', later(() => segments().then((m) => m.Segment))],
  ['/segments/:id/edit', later(() => import('./pages/builder.tsx').then((m) => m.Builder))],
  ['/orders', later(() => import('./pages/orders.tsx').then((m) => m.Orders))],
  ['/orders/:id', later(() => import('./pages/orders.tsx').then((m) => m.Order))],
  ['/loyalty', later(() => incentives().then((m) => m.Loyalties))],
  ['/loyalty/:id', later(() => incentives().then((m) => m.Loyalty))],
  ['/rewards', later(() => incentives().then((m) => m.Rewards))],
  ['/rewards/:id', later(() => incentives().then((m) => m.Reward))],
  ['/campaigns', later(() => incentives().then((m) => m.Campaigns))],
  ['/campaigns/:id', later(() => incentives().then((m) => m.Campaign))],
  ['/codes/:code', later(() => incentives().then((m) => m.Voucher))],
  ['/redemptions', later(() => import('./pages/redemptions.tsx').then((m) => m.Redemptions))],
  ['/categories', later(() => import('./pages/categories.tsx').then((m) => m.Categories))],
  ['/stacking-rules', later(() => import('./pages/stackingRules.tsx').then((m) => m.StackingRules))],
  ['/referrals', later(() => incentives().then((m) => m.Referrals))],
  ['/referrals/:id', later(() => incentives().then((m) => m.Referral))],
  ['/validation-rules', later(() => incentives().then((m) => m.Rules))],
  ['/validation-rules/:id', later(() => incentives().then((m) => m.Rule))],
  ['/distributions', later(() => messages().then((m) => m.Distributions))],
  ['/distributions/:id', later(() => messages().then((m) => m.Distribution))],
  ['/messages', later(() => messages().then((m) => m.Outbox))],
  ['/messages/:id', later(() => messages().then((m) => m.Message))],
  ['/webhooks', later(() => import('./pages/webhooks.tsx').then((m) => m.Webhooks))],
  ['/webhooks/:id', later(() => import('./pages/webhooks.tsx').then((m) => m.Webhook))],
  ['/exports', later(() => import('./pages/exports.tsx').then((m) => m.Exports))],
  ['/imports', later(() => import('./pages/imports.tsx').then((m) => m.Imports))],
  ['/imports/:id', later(() => import('./pages/imports.tsx').then((m) => m.Import))],
  ['/audit', later(() => operation().then((m) => m.Audit))],
  ['/access', later(() => import('./pages/access.tsx').then((m) => m.Access))],
  ['/account', later(() => import('./pages/account.tsx').then((m) => m.Account))],
  ['/system', later(() => operation().then((m) => m.System))],
]

const Nothing = () => (
  <Page title="No such page">
    <Empty title="There is no page at this address" action={<Link to="/">Go to the first page</Link>}>
      It may have been a link to something that was deleted.
    </Empty>
  </Page>
)

const Shown = () => {
  const shown = path.value
  for (const [form, Found] of PAGES) {
    const params = matched(form, shown)
    if (params)
      return (
        <Suspense fallback={<Loading rows={8} />}>
          <Found key={`${form} ${params.id ?? params.code ?? ''}`} params={params} />
        </Suspense>
      )
  }
  return <Nothing />
}

const App = () => {
  useEffect(() => {
    listenToKeys()
    void findSession()
  }, [])
  if (startError.value) return <Failed error={startError.value} again={findSession} />
  if (session.value === undefined) return null
  if (path.value === '/set-password')
    return (
      <>
        <SetPassword />
        <Toasts />
      </>
    )
  if (session.value === null || sessionEnded.value || path.value === '/sign-in')
    return (
      <>
        <SignIn hasEnded={sessionEnded.value} />
        <Toasts />
      </>
    )
  return (
    <>
      <Frame>
        <Shown />
      </Frame>
      <Help />
      <Toasts />
    </>
  )
}

render(<App />, document.getElementById('app')!)
