// Who may do what: the people who sign in here, the API keys, and who changed anything.

import { useState } from 'preact/hooks'
import { at, carryOut, change, type Request } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { useOnce } from '../lib/once.ts'
import { mayAudit, session } from '../lib/session.ts'
import type { ListOf } from '../lib/shapes.ts'
import { stateWords } from '../lib/text.ts'
import { Action, Dialog } from '../parts/dialog.tsx'
import { Choice, Form, Text } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Code, Id, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'

interface User {
  readonly id: string
  readonly email: string
  readonly name: string | null
  readonly role: string
  readonly status: 'invited' | 'active' | 'disabled'
  readonly last_used_at: string | null
}
interface Key {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly created_at: string
  readonly expires_at: string | null
  readonly last_used_at: string | null
}

/** What an answer tells once, and nobody again. */
interface Secret {
  readonly title: string
  readonly says: string
  readonly lines: readonly (readonly [label: string, value: string])[]
}

const secretOf = (answer: unknown): Secret | undefined => {
  const { link, email, id, token, customer_secret } = answer as Readonly<Record<string, string | null | undefined>>
  if (token)
    return {
      title: 'The key’s token',
      says: 'It is not shown again: put it where your application reads it.',
      lines: [
        ['Id', id ?? ''],
        ['Token', token],
        ...(customer_secret ? [['Secret of customers’ tokens', customer_secret] as const] : []),
      ],
    }
  if (link === undefined) return undefined
  return link === null
    ? {
        title: 'A link is on its way',
        says: `${email ?? 'The user'} gets it by mail; it sets a password once.`,
        lines: [],
      }
    : {
        title: 'A link that sets the password',
        says: `Hand it to ${email ?? 'the user'}. It works once, and is not shown again.`,
        lines: [['Link', link]],
      }
}

const Told = ({ secret, onClose }: { readonly secret: Secret; readonly onClose: () => void }) => (
  <Dialog title={secret.title} onClose={onClose} isWide>
    <p>{secret.says}</p>
    {secret.lines.map(([label, value]) => (
      <Code key={label} label={label} text={value} />
    ))}
    <footer>
      <button type="button" class="main" onClick={onClose}>
        Done
      </button>
    </footer>
  </Dialog>
)

interface NewProps {
  readonly title: string
  readonly label: string
  readonly isEmail?: true
  readonly request: (text: string, role: string) => Request
  readonly onClose: () => void
  readonly onDone: (answer: unknown) => void
}

const New = ({ title, label, isEmail, request, onClose, onDone }: NewProps) => {
  const [text, setText] = useState('')
  const [role, setRole] = useState('reader')
  const { fault, isBusy, once } = useOnce()
  const { data: roles } = useAsk<ListOf<{ readonly name: string }>>(at('/v1/access/roles'))
  const names = (roles?.data ?? []).map(({ name }) => name).filter((name) => name !== 'client')
  const carry = () => once(async () => onDone(await carryOut(request(text.trim(), role))))
  return (
    <Dialog title={title} onClose={onClose}>
      <Form onSend={carry}>
        <Text
          label={label}
          value={text}
          onValue={setText}
          required
          {...(isEmail ? { type: 'email' } : {})}
          fault={fault}
        />
        <Choice label="Role" value={role} onValue={setRole} options={names.map((name) => [name, name] as const)} />
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="main" disabled={isBusy}>
            {title}
          </button>
        </footer>
      </Form>
    </Dialog>
  )
}

const TONES = { invited: 'warn', active: 'good', disabled: 'bad' } as const

const UserActions = ({ user, onTold }: { readonly user: User; readonly onTold: (answer: unknown) => void }) => {
  const of = { params: { id: user.id } }
  const isDisabled = user.status === 'disabled'
  if (user.id === session.value?.user_id) return <span class="soft">you</span>
  return (
    <span class="row end">
      {!isDisabled && (
        <Action request={change('POST', '/v1/access/users/{id}/link', of)} done="Made" tone="quiet" onDone={onTold}>
          New link
        </Action>
      )}
      <Action
        request={change('PUT', '/v1/access/users/{id}', { ...of, body: { is_disabled: !isDisabled } })}
        done={isDisabled ? 'Enabled' : 'Disabled'}
        tone="quiet"
      >
        {isDisabled ? 'Enable' : 'Disable'}
      </Action>
      <Action
        request={change('DELETE', '/v1/access/users/{id}', of)}
        question={`${user.email} is signed out, and what is known of the person is destroyed.`}
        done="Removed"
        tone="quiet"
      >
        Remove
      </Action>
    </span>
  )
}

const KeyActions = ({ id, name, onTold }: Key & { readonly onTold: (answer: unknown) => void }) => (
  <span class="row end">
    <Action
      request={change('POST', '/v1/access/keys/{id}/rotate', { params: { id }, body: {} })}
      question={`${name} gets a new token; the one before stays good for a day.`}
      done="Rotated"
      tone="quiet"
      onDone={onTold}
    >
      Rotate
    </Action>
    <Action
      request={change('DELETE', '/v1/access/keys/{id}', { params: { id } })}
      question={`Whatever uses ${name} stops working within a second.`}
      done="Revoked"
      tone="quiet"
    >
      Revoke
    </Action>
  </span>
)

interface Entry {
  readonly id: string
  readonly created_at: string
  readonly actor: { readonly name: string; readonly role: string }
  readonly action: string
  readonly resource: { readonly type: string; readonly id: string }
}

const Log = () => (
  <Card title="Who did what">
    <List
      list={useList<Entry>(at('/v1/access/log', { query: { limit: 20 } }))}
      label="Who did what"
      rowKey={({ id }) => id}
      empty={<Empty title="Nothing was changed yet" />}
      columns={[
        { head: 'When', cell: ({ created_at }) => <Time at={created_at} /> },
        { head: 'Who', cell: ({ actor }) => <span class="wrap">{actor.name}</span> },
        { head: 'What', cell: ({ action }) => stateWords(action) },
        {
          head: 'Of',
          wide: true,
          cell: ({ resource }) => (
            <>
              {stateWords(resource.type)} <Id id={resource.id} />
            </>
          ),
        },
      ]}
    />
  </Card>
)

export const Access = () => {
  const [told, setTold] = useState<Secret>()
  const [making, setMaking] = useState<'user' | 'key'>()
  const tell = (answer: unknown): void => {
    setMaking(undefined)
    setTold(secretOf(answer))
  }
  const common = { onClose: () => setMaking(undefined), onDone: tell }
  return (
    <Page title="Users and keys" lead="Who may sign in here, and what applications ask with.">
      <Card
        title="Users"
        actions={
          <button type="button" class="main" onClick={() => setMaking('user')}>
            Invite
          </button>
        }
      >
        <Shown of={useAsk<ListOf<User>>(at('/v1/access/users'))}>
          {({ data }) =>
            data.length === 0 ? (
              <Empty title="No user yet">Invite people, so that changes bear their names.</Empty>
            ) : (
              <Table
                label="Users"
                rows={data}
                rowKey={({ id }) => id}
                columns={[
                  {
                    head: 'User',
                    wide: true,
                    cell: ({ email, name }) => (
                      <>
                        <b>{name ?? email}</b> {name && <span class="soft small">{email}</span>}
                      </>
                    ),
                  },
                  { head: 'Role', cell: ({ role }) => role },
                  { head: 'State', cell: ({ status }) => <State state={status} tone={TONES[status]} /> },
                  { head: 'Last here', cell: ({ last_used_at }) => <Time at={last_used_at} /> },
                  { head: '', align: 'right', cell: (user) => <UserActions user={user} onTold={tell} /> },
                ]}
              />
            )
          }
        </Shown>
      </Card>
      <Card
        title="API keys"
        actions={
          <button type="button" class="main" onClick={() => setMaking('key')}>
            New key
          </button>
        }
      >
        <Shown of={useAsk<ListOf<Key>>(at('/v1/access/keys'))}>
          {({ data }) =>
            data.length === 0 ? (
              <Empty title="No key is managed here">
                Keys of a file, or those that the server made itself, are not listed.
              </Empty>
            ) : (
              <Table
                label="API keys"
                rows={data}
                rowKey={({ id }) => id}
                columns={[
                  {
                    head: 'Key',
                    wide: true,
                    cell: ({ name, id }) => (
                      <>
                        <b>{name}</b> <Id id={id} />
                      </>
                    ),
                  },
                  { head: 'Role', cell: ({ role }) => role },
                  { head: 'Ends', cell: ({ expires_at }) => <Time at={expires_at} /> },
                  { head: 'Last used', cell: ({ last_used_at }) => <Time at={last_used_at} /> },
                  { head: '', align: 'right', cell: (key) => <KeyActions {...key} onTold={tell} /> },
                ]}
              />
            )
          }
        </Shown>
      </Card>
      {mayAudit() && <Log />}
      {making === 'user' && (
        <New
          {...common}
          title="Invite"
          label="E-mail"
          isEmail
          request={(email, role) => change('POST', '/v1/access/users', { body: { email, role } })}
        />
      )}
      {making === 'key' && (
        <New
          {...common}
          title="Make a key"
          label="Name"
          request={(name, role) => change('POST', '/v1/access/keys', { body: { name, role } })}
        />
      )}
      {told && <Told secret={told} onClose={() => setTold(undefined)} />}
    </Page>
  )
}
