// Signing in: with e-mail and password, with an API key, or by a link, which is used as soon as the page is there.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { send } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { useOnce } from '../lib/once.ts'
import { BASE, go, path, query } from '../lib/router.tsx'
import { setPassword, signIn } from '../lib/session.ts'
import { Fault, Form, Text } from '../parts/form.tsx'
import { Sign } from '../parts/layout.tsx'

/** The token stands behind the `#`, which browsers send to nobody. */
const linkToken = (): string =>
  path.value === '/sign-in' || path.value === '/set-password' ? window.location.hash.slice(1) : ''

const forgetLink = (): void => window.history.replaceState(null, '', window.location.pathname)

interface Ways {
  readonly mails_links: boolean
  readonly provider: string | null
}

interface OutsideProps {
  readonly title: string
  readonly children: ComponentChildren
  readonly below?: ComponentChildren
}

/** A page for who is not signed in. */
const Outside = ({ title, children, below }: OutsideProps) => {
  useEffect(() => {
    document.title = `${title} · Tributary`
  }, [title])
  return (
    <main class="sign-in">
      <div>
        <div class="brand">
          <Sign size={34} /> Tributary
        </div>
        <section class="card">
          <h1>{title}</h1>
          {children}
        </section>
        {below}
      </div>
    </main>
  )
}

/** Why the provider's answer did not sign in. */
const FAILED: Readonly<Record<string, string>> = {
  provider: 'The provider could not be asked, or did not sign you in. Try again.',
  expired: 'It took too long, or the browser kept no cookie. Try again.',
  unverified: 'The provider does not vouch for your e-mail address.',
  not_allowed: 'You may not sign in here. Ask an administrator to invite you.',
  disabled: 'Your user is disabled. Ask an administrator.',
}

const ByPassword = ({ onFinish, ways }: { readonly onFinish: () => void; readonly ways: Ways | undefined }) => {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [isForgotten, setForgotten] = useState(false)
  const [isSent, setSent] = useState(false)
  const { fault, isBusy, once } = useOnce()
  const ask = () =>
    once(async () => {
      await send({ method: 'POST', path: '/console/password/forgotten', body: { email: email.trim() } })
      setSent(true)
    })
  const enter = () =>
    once(async () => {
      await signIn({ email: email.trim(), password })
      onFinish()
    })
  if (isSent)
    return (
      <p role="status">If somebody has this address, a link is on its way that sets a new password, for an hour.</p>
    )
  return (
    <Form onSend={() => (isForgotten ? ask() : enter())}>
      <Text label="E-mail" value={email} onValue={setEmail} required type="email" autocomplete="username" />
      {!isForgotten && (
        <Text
          label="Password"
          value={password}
          onValue={setPassword}
          required
          type="password"
          autocomplete="current-password"
        />
      )}
      <Fault text={fault} />
      <div class="row">
        <button type="submit" class="main" disabled={isBusy}>
          {isForgotten ? 'Send me a link' : 'Sign in'}
        </button>
        {ways?.mails_links && (
          <button type="button" class="quiet" onClick={() => setForgotten(!isForgotten)}>
            {isForgotten ? 'Back' : 'Forgot your password?'}
          </button>
        )}
      </div>
    </Form>
  )
}

const ByKey = ({ onFinish }: { readonly onFinish: () => void }) => {
  const [appId, setAppId] = useState('')
  const [token, setToken] = useState('')
  const { fault, isBusy, once } = useOnce()
  return (
    <Form
      onSend={() =>
        once(async () => {
          await signIn({ app_id: appId.trim(), token: token.trim() })
          onFinish()
        })
      }
    >
      <Text label="API key id" value={appId} onValue={setAppId} required placeholder="app_…" autocomplete="username" />
      <Text label="Token" value={token} onValue={setToken} required type="password" autocomplete="current-password" />
      <Fault text={fault} />
      <button type="submit" class="main" disabled={isBusy}>
        Sign in
      </button>
    </Form>
  )
}

const finish = (): void => {
  if (path.value === '/sign-in') go('/', { replace: true })
}

export const SignIn = ({ hasEnded }: { readonly hasEnded: boolean }) => {
  const [isByKey, setByKey] = useState(false)
  const { fault, isBusy, once } = useOnce({ isBusyAtFirst: linkToken() !== '' })
  const { data: ways } = useAsk<Ways>('/console/sign-in-ways')
  const failed = query.value.get('failed')
  useEffect(() => {
    const link = linkToken()
    if (link === '') return
    forgetLink()
    void once(async () => {
      await signIn({ link })
      finish()
    })
  }, [])
  return (
    <Outside
      title="Sign in"
      below={
        <p class="soft small">
          {isByKey
            ? 'Keys of all roles but client may sign in. Where the server made its keys itself, they are in keys.json of its ' +
              'data folder, and its start prints a link that signs in once.'
            : 'No user yet? Sign in with an API key or the link that the server’s start prints, and invite people under “Users ' +
              'and keys”.'}
        </p>
      }
    >
      {hasEnded && <p class="note">Your session has ended. Sign in to go on where you were.</p>}
      {isBusy && fault === undefined ? <p role="status">Signing in…</p> : null}
      <Fault text={fault ?? (failed ? (FAILED[failed] ?? FAILED.provider) : undefined)} />
      {ways?.provider && (
        <a class="button" href={`${BASE}/oidc`}>
          Sign in with {ways.provider}
        </a>
      )}
      {isByKey ? <ByKey onFinish={finish} /> : <ByPassword onFinish={finish} ways={ways} />}
      <button type="button" class="quiet" onClick={() => setByKey(!isByKey)}>
        {isByKey ? 'Use e-mail and password' : 'Use an API key'}
      </button>
    </Outside>
  )
}

/** Where the link of an invitation or a reset leads to. */
export const SetPassword = () => {
  const [link] = useState(linkToken)
  const [password, choose] = useState('')
  const { fault, isBusy, once } = useOnce()
  useEffect(forgetLink, [])
  if (link === '')
    return (
      <Outside title="Choose a password">
        <p>This address works once, as it stands in the mail: open it again from there, or ask for another link.</p>
      </Outside>
    )
  return (
    <Outside title="Choose a password">
      <Form
        onSend={() =>
          once(async () => {
            await setPassword(link, password)
            go('/', { replace: true })
          })
        }
      >
        <Text
          label="New password"
          value={password}
          onValue={choose}
          required
          type="password"
          autocomplete="new-password"
          hint="At least 12 characters; a sentence is easy to remember."
        />
        <Fault text={fault} />
        <button type="submit" class="main" disabled={isBusy}>
          Set the password and sign in
        </button>
      </Form>
    </Outside>
  )
}
