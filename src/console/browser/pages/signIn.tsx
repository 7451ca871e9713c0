// Signing in: by the link of the server's start, which is used as soon as the page is there, or with an API key.
import { useEffect, useState } from 'preact/hooks'
import { wordsOf } from '../lib/api.ts'
import { go, path } from '../lib/router.tsx'
import { signIn } from '../lib/session.ts'
import { Text } from '../parts/form.tsx'
import { Sign } from '../parts/layout.tsx'

/** The token stands behind the `#`, which browsers send to nobody. */
const linkToken = (): string => (path.value === '/sign-in' ? window.location.hash.slice(1) : '')

export const SignIn = ({ hasEnded }: { readonly hasEnded: boolean }) => {
  const [appId, setAppId] = useState('')
  const [token, setToken] = useState('')
  const [fault, setFault] = useState<string>()
  const [isBusy, setBusy] = useState(linkToken() !== '')
  const enter = async (body: Readonly<Record<string, string>>) => {
    setBusy(true)
    try {
      await signIn(body)
      if (path.value === '/sign-in') go('/', true)
    } catch (error) {
      setFault(wordsOf(error))
    } finally {
      setBusy(false)
    }
  }
  useEffect(() => {
    document.title = 'Sign in · Tributary'
    const link = linkToken()
    if (link === '') return
    window.history.replaceState(null, '', window.location.pathname)
    void enter({ link })
  }, [])
  return (
    <main class="sign-in">
      <div>
        <div class="brand">
          <Sign size={34} /> Tributary
        </div>
        <section class="card">
          <h1>Sign in</h1>
          {hasEnded && <p class="note">Your session has ended. Sign in to go on where you were.</p>}
          {isBusy && fault === undefined ? <p role="status">Signing in…</p> : null}
          <form
            onSubmit={(event) => {
              event.preventDefault()
              void enter({ app_id: appId.trim(), token: token.trim() })
            }}
          >
            <Text
              label="API key id"
              value={appId}
              onValue={setAppId}
              required
              placeholder="app_…"
              autocomplete="username"
            />
            <Text
              label="Token"
              value={token}
              onValue={setToken}
              required
              type="password"
              autocomplete="current-password"
            />
            {fault && (
              <p class="note" data-tone="bad" role="alert">
                {fault}
              </p>
            )}
            <button type="submit" class="main" disabled={isBusy}>
              Sign in
            </button>
          </form>
        </section>
        <p class="soft small">
          Keys of the roles admin, integrator, auditor and reader may sign in. Where the server made its keys itself,
          they are in <code>keys.json</code> of its data folder, and its start prints a link that signs in once.
        </p>
      </div>
    </main>
  )
}
