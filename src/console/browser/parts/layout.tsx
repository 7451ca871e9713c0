// The frame around every page: where one can go, who is signed in, and the keys.
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { keysShown } from '../lib/keys.ts'
import { Link, path } from '../lib/router.tsx'
import { may, mayAudit, mayManageAccess, session, signOut } from '../lib/session.ts'
import { theme, turnTheme } from '../lib/theme.ts'
import { sayFault } from './toast.tsx'

interface Place {
  readonly to: string
  readonly name: string
  readonly isShown?: () => boolean
}

/** Groups of pages by their heading; the first has none. */
const PLACES: readonly (readonly [string, readonly Place[]])[] = [
  ['', [{ to: '/', name: 'Home' }]],
  [
    'Data',
    [
      { to: '/customers', name: 'Customers' },
      { to: '/event-schemas', name: 'Event schemas' },
      { to: '/metadata-schemas', name: 'Metadata schemas' },
      { to: '/refused', name: 'Refused events' },
      { to: '/segments', name: 'Segments' },
      { to: '/orders', name: 'Orders', isShown: () => may('orders.read') },
      { to: '/imports', name: 'Imports', isShown: () => may('jobs.read') },
    ],
  ],
  [
    'Incentives',
    [
      { to: '/loyalty', name: 'Loyalty programs' },
      { to: '/rewards', name: 'Rewards' },
      { to: '/campaigns', name: 'Campaigns and codes' },
      { to: '/redemptions', name: 'Redemptions', isShown: () => may('redemptions.read') },
      { to: '/referrals', name: 'Referrals' },
      { to: '/validation-rules', name: 'Validation rules' },
      { to: '/categories', name: 'Categories' },
      { to: '/stacking-rules', name: 'Stacking rules' },
    ],
  ],
  [
    'Messages',
    [
      { to: '/distributions', name: 'Distributions' },
      { to: '/messages', name: 'Outbox' },
      { to: '/webhooks', name: 'Webhooks', isShown: () => may('webhooks.read') },
    ],
  ],
  [
    'Operation',
    [
      { to: '/audit', name: 'Audit', isShown: mayAudit },
      { to: '/exports', name: 'Exports', isShown: () => may('exports.manage') },
      { to: '/access', name: 'Users and keys', isShown: mayManageAccess },
      { to: '/system', name: 'System' },
    ],
  ],
]

export const Sign = ({ size = 26 }: { readonly size?: number }) => (
  <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
    <rect width="32" height="32" rx="8" />
    <path d="M9 7c0 7 7 6 7 13v5M23 7c0 7-7 6-7 13M16 7v8" />
  </svg>
)

const isOpen = signal(false)

const isHere = (to: string): boolean =>
  to === '/' ? path.value === '/' : path.value === to || path.value.startsWith(`${to}/`)

const leave = (): void => {
  signOut().catch(sayFault)
}

const THEMES = { system: 'Theme: Auto, as the system', light: 'Theme: Light', dark: 'Theme: Dark' } as const

const Side = () => (
  <aside class="side" id="side" aria-label="Tributary" data-open={isOpen.value}>
    <Link to="/" class="brand">
      <Sign /> Tributary
    </Link>
    <nav aria-label="Main">
      {PLACES.map(([group, places]) => (
        <div key={group}>
          {group !== '' && <p id={`nav-${group}`}>{group}</p>}
          <ul {...(group !== '' && { 'aria-labelledby': `nav-${group}` })}>
            {places
              .filter(({ isShown }) => isShown?.() ?? true)
              .map(({ to, name }) => (
                <li key={to}>
                  <Link to={to} aria-current={isHere(to) ? 'page' : undefined}>
                    {name}
                  </Link>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </nav>
    <div class="who">
      <p>
        {session.value?.user_id ? (
          <Link to="/account" class="wrap">
            {session.value.name}
          </Link>
        ) : (
          <span class="wrap">{session.value?.name}</span>
        )}
        <br />
        <span class="soft">
          {session.value?.role} · {session.value?.project.id}
        </span>
      </p>
      <div class="row">
        <button type="button" class="quiet" onClick={leave}>
          Sign out
        </button>
        <button
          type="button"
          class="quiet"
          onClick={turnTheme}
          title={THEMES[theme.value]}
          aria-label={THEMES[theme.value]}
        >
          <span aria-hidden="true">◐ </span>
          {theme.value === 'system' ? 'Auto' : theme.value === 'light' ? 'Light' : 'Dark'}
        </button>
        <button
          type="button"
          class="quiet"
          aria-label="Keys"
          onClick={() => {
            keysShown.value = true
          }}
        >
          <kbd>?</kbd>
        </button>
      </div>
    </div>
  </aside>
)

export const Frame = ({ children }: { readonly children: ComponentChildren }) => {
  const shown = path.value
  useEffect(() => {
    isOpen.value = false
  }, [shown])
  return (
    <div class="frame">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <Link to="/" class="brand">
          <Sign /> Tributary
        </Link>
        <button
          type="button"
          aria-expanded={isOpen.value}
          aria-controls="side"
          onClick={() => {
            isOpen.value = !isOpen.value
          }}
        >
          Menu
        </button>
      </header>
      {isOpen.value && (
        <button
          type="button"
          class="veil"
          aria-label="Close the menu"
          onClick={() => {
            isOpen.value = false
          }}
        />
      )}
      <Side />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}

interface PageProps {
  readonly title: string
  readonly lead?: ComponentChildren
  readonly crumbs?: readonly (readonly [to: string, name: string])[]
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}

/** A page with its heading; the heading is the document's title too. */
export const Page = ({ title, lead, crumbs = [], actions, children }: PageProps) => {
  useEffect(() => {
    document.title = `${title} · Tributary`
  }, [title])
  return (
    <div class="page">
      <div class="page-head">
        <div>
          {crumbs.length > 0 && (
            <nav class="crumbs" aria-label="Where this is">
              {crumbs.map(([to, name]) => (
                <Link key={to} to={to}>
                  {name}
                </Link>
              ))}
            </nav>
          )}
          <h1>{title}</h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="row">{actions}</div>}
      </div>
      {children}
    </div>
  )
}

/** Parts of a page with addresses of their own; `current` is the address of the one that is shown, which a page opened without one has too. */
export const Tabs = ({
  label,
  current,
  tabs,
}: {
  readonly label: string
  readonly current: string
  readonly tabs: readonly (readonly [to: string, name: string])[]
}) => (
  <nav class="tabs" aria-label={label}>
    {tabs.map(([to, name]) => (
      <Link key={to} to={to} aria-current={to === current ? 'page' : undefined}>
        {name}
      </Link>
    ))}
  </nav>
)

export const Card = ({
  title,
  actions,
  children,
  isFlush = false,
}: {
  readonly title?: string
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
  readonly isFlush?: boolean
}) => (
  <section class={isFlush ? 'card flush' : 'card'}>
    {(title || actions) && (
      <header>
        {title && <h2>{title}</h2>}
        {actions && <div class="row">{actions}</div>}
      </header>
    )}
    {children}
  </section>
)
