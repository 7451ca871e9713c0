// One's own account: another password, and the end of all sessions.

import { useState } from 'preact/hooks'
import { useOnce } from '../lib/once.ts'
import { changePassword, session, signOutEverywhere } from '../lib/session.ts'
import { Form, Text } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Time } from '../parts/small.tsx'
import { say, sayFault } from '../parts/toast.tsx'

const ChangePassword = () => {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const { fault, isBusy, once } = useOnce()
  const carry = () =>
    once(async () => {
      await changePassword(current, password)
      setCurrent('')
      setPassword('')
      say('The password is changed; all other sessions have ended')
    })
  return (
    <Card title="Change the password">
      <Form onSend={carry}>
        <Text
          label="Current password"
          value={current}
          onValue={setCurrent}
          required
          type="password"
          autocomplete="current-password"
        />
        <Text
          label="New password"
          value={password}
          onValue={setPassword}
          required
          type="password"
          autocomplete="new-password"
          hint="At least 12 characters."
          fault={fault}
        />
        <button type="submit" class="main" disabled={isBusy}>
          Change
        </button>
      </Form>
    </Card>
  )
}

export const Account = () => (
  <Page title="Your account">
    <div class="columns">
      <Card title="Session">
        <Facts
          of={[
            ['Name', session.value?.name],
            ['Role', session.value?.role],
            ['Ends at the latest', <Time key="ends" at={session.value?.expires_at ?? null} />],
          ]}
        />
        <div class="row">
          <button type="button" class="danger" onClick={() => signOutEverywhere().catch(sayFault)}>
            Sign out everywhere
          </button>
        </div>
      </Card>
      {session.value?.user_id && <ChangePassword />}
    </div>
  </Page>
)
