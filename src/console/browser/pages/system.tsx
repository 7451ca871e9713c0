// System: whether the node works, how far the read side is, what failed, read models and their versions, settings in force.
import { ApiError, at, change } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { isAdmin, mayAudit, session } from '../lib/session.ts'
import type { Fields, ListOf } from '../lib/shapes.ts'
import { brief, number, stateWords, timeText, typeWords } from '../lib/text.ts'
import { Action } from '../parts/dialog.tsx'
import { type Jobs, JobTable } from '../parts/jobs.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Figure, Json, State, Value } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'

/** How often what moves is asked for again, ms. */
const EVERY_MS = 5_000

interface Health {
  readonly status: string
  readonly checks?: Readonly<Record<string, Fields>>
}

const GB = 1_000_000_000

const checkWord = (name: string, value: unknown): string => {
  if (name === 'since' && typeof value === 'number') return `since ${timeText(new Date(value))}`
  if (name === 'lag' && typeof value === 'object' && value !== null && 'events' in value)
    return `${String(value.events)} facts behind`
  if (name === 'free' && Array.isArray(value))
    return (value as readonly { readonly path: string; readonly bytes: number }[])
      .map(({ path, bytes }) => `${(bytes / GB).toFixed(1)} GB free in ${path}`)
      .join(', ')
  return `${name.replaceAll('_', ' ')} ${brief(value, 60)}`
}

/** What a check tells beside whether all is well. */
const checkWords = (check: Fields): string =>
  Object.entries(check)
    .filter(([name]) => name !== 'ok')
    .map(([name, value]) => checkWord(name, value))
    .join(', ')

/** A node that is not well tells of it in an answer that is no success. */
const toldBy = (error: unknown): Health | undefined => {
  const body = error instanceof ApiError ? error.body : undefined
  return typeof body === 'object' && body !== null && 'checks' in body ? (body as Health) : undefined
}

const HealthCard = () => {
  const asked = useAsk<Health>('/health/ready', EVERY_MS)
  return (
    <Card title="Health of this node">
      <Shown of={{ ...asked, data: asked.data ?? toldBy(asked.error) }}>
        {({ status, checks = {} }) => (
          <>
            <p>
              <State state={status} tone={status === 'ok' ? 'good' : 'bad'} />
            </p>
            <Facts
              of={Object.entries(checks).map(([name, check]) => [
                typeWords(name.replace(/([A-Z])/g, ' $1').toLowerCase()),
                typeof check === 'object' && check !== null && 'ok' in check ? (
                  <span key={name}>
                    <State state={check.ok ? 'ok' : 'trouble'} tone={check.ok ? 'good' : 'bad'} />{' '}
                    <span class="soft small">{checkWords(check)}</span>
                  </span>
                ) : (
                  <Value key={name} value={check} />
                ),
              ])}
            />
          </>
        )}
      </Shown>
    </Card>
  )
}

interface Projections {
  readonly state: string
  readonly stuck: boolean
  readonly position: string
  readonly head: string
  readonly lag: { readonly events: number; readonly seconds: number }
  readonly data: readonly {
    readonly name: string
    readonly version: number
    readonly live: { readonly version: number } | null
    readonly is_current: boolean
    readonly previous: { readonly version: number } | null
    readonly beside: { readonly version: number } | null
    readonly rebuild: Fields | null
  }[]
}

const of = (name: string) => ({ params: { name } })

const ReadModels = () => (
  <Card title="Read models">
    <Shown of={useAsk<Projections>(at('/v1/projections'), EVERY_MS)}>
      {({ data, state, lag, position, head }) => (
        <>
          <dl class="figures">
            <Figure label="State" value={stateWords(state)} />
            <Figure
              label="Facts to come"
              value={lag.events}
              hint={lag.seconds > 0 ? `${Math.ceil(lag.seconds)} s behind` : undefined}
            />
            <Figure label="Position" value={position} hint={position === head ? 'the head of the log' : `of ${head}`} />
          </dl>
          <Table
            label="Read models"
            rows={data}
            rowKey={({ name }) => name}
            columns={[
              { head: 'Read model', wide: true, cell: ({ name }) => <b>{name}</b> },
              { head: 'Version', align: 'right', cell: ({ live, version }) => number(live?.version ?? version) },
              {
                head: 'State',
                cell: (one) =>
                  one.rebuild || one.beside ? (
                    <State state="built beside" tone="warn" />
                  ) : one.is_current ? (
                    <State state="live" />
                  ) : (
                    <State state="older version" tone="warn" />
                  ),
              },
              {
                head: '',
                align: 'right',
                cell: ({ name, previous, beside }) =>
                  isAdmin() && (
                    <span class="row end">
                      {beside && (
                        <Action
                          request={change('POST', '/v1/projections/{name}/promote', of(name))}
                          done="Promoted"
                          tone="quiet"
                        >
                          Promote
                        </Action>
                      )}
                      {previous && (
                        <Action
                          request={change('POST', '/v1/projections/{name}/rollback', of(name))}
                          question={`Queries read the version of ${name} that was live before.`}
                          done="Rolled back"
                          tone="quiet"
                        >
                          Roll back
                        </Action>
                      )}
                      <Action
                        request={change('POST', '/v1/projections/{name}/rebuild', of(name))}
                        question={`${name} is built anew from the log, beside the live one, which goes on being read until you promote the new one.`}
                        done="It is being built"
                        tone="quiet"
                      >
                        Build anew
                      </Action>
                    </span>
                  ),
              },
            ]}
          />
        </>
      )}
    </Shown>
  </Card>
)

interface Parked {
  readonly projection: string
  readonly key: string
  readonly error?: string
  readonly since?: string
}

const ParkedKeys = () => (
  <Card
    title="Parked documents"
    actions={
      isAdmin() && (
        <Action request={change('POST', '/v1/projections/parked/retry', { body: {} })} done="Tried again">
          Try again
        </Action>
      )
    }
  >
    <Shown of={useAsk<ListOf<Parked>>(at('/v1/projections/parked', { query: { limit: 100 } }), EVERY_MS)}>
      {({ data }) =>
        data.length === 0 ? (
          <Empty title="None: every fact is in its documents" />
        ) : (
          <Table
            label="Parked documents"
            rows={data}
            rowKey={({ projection, key }) => `${projection} ${key}`}
            columns={[
              { head: 'Read model', cell: ({ projection }) => projection },
              { head: 'Document', cell: ({ key }) => <code>{key}</code> },
              { head: 'Why', wide: true, cell: (one) => <Value value={one.error} /> },
            ]}
          />
        )
      }
    </Shown>
  </Card>
)

interface Processes {
  readonly data: readonly {
    readonly name: string
    readonly pending: number
    readonly failed: number
    readonly done: number
  }[]
  readonly failures: readonly Fields[]
  readonly switched_off: readonly Fields[]
}

const ProcessCards = () => (
  <Shown of={useAsk<Processes>(at('/v1/processes', { query: { limit: 100 } }), EVERY_MS)}>
    {({ data, failures, switched_off }) => (
      <>
        <Card title="Background work">
          <Table
            label="Background work"
            rows={data}
            rowKey={({ name }) => name}
            columns={[
              { head: 'Work', wide: true, cell: ({ name }) => typeWords(name.replaceAll('-', ' ')) },
              { head: 'Pending', align: 'right', cell: ({ pending }) => number(pending) },
              {
                head: 'Failed',
                align: 'right',
                cell: ({ failed }) => (failed > 0 ? <b class="fault">{number(failed)}</b> : '0'),
              },
              { head: 'Done since the start', align: 'right', cell: ({ done }) => number(done) },
            ]}
          />
        </Card>
        <Card
          title="Failed work"
          actions={
            isAdmin() && failures.length > 0 ? (
              <Action request={change('POST', '/v1/processes/retry', { body: {} })} done="Tried again">
                Try all again
              </Action>
            ) : undefined
          }
        >
          {failures.length === 0 ? (
            <Empty title="None: nothing waits for you" />
          ) : (
            failures.map((one, index) => (
              <details key={String(one.id ?? index)}>
                <summary>
                  {String(one.process ?? one.name ?? 'Work')}: {brief(one.reason ?? one.error, 120)}
                </summary>
                <Json value={one} label="Failed work" />
              </details>
            ))
          )}
        </Card>
        {switched_off.length > 0 && (
          <Card title="Switched off definitions">
            <p class="soft">They name something that is not there any more, or cost too much.</p>
            <Json value={switched_off} label="Switched off definitions" />
          </Card>
        )}
      </>
    )}
  </Shown>
)

const JobCard = () => (
  <Card title="Jobs">
    <Shown of={useAsk<Jobs>(at('/v1/async-actions', { query: { limit: 10 } }), EVERY_MS)}>
      {({ async_actions: jobs }) =>
        jobs.length === 0 ? <Empty title="No job was asked for" /> : <JobTable label="Jobs" jobs={jobs} />
      }
    </Shown>
  </Card>
)

const flat = (settings: Fields): readonly (readonly [string, unknown])[] =>
  Object.entries(settings).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([inner, one]): [string, unknown] => [`${name} · ${inner}`, one])
      : [[name, value] as [string, unknown]],
  )

export const System = () => (
  <Page title="System" lead="How the node is, and what it was started with.">
    <HealthCard />
    <JobCard />
    {mayAudit() && (
      <>
        <ReadModels />
        <ParkedKeys />
        <ProcessCards />
      </>
    )}
    <Card title="Settings in force">
      <Facts
        of={flat(session.value?.settings ?? {}).map(([name, value]) => [
          stateWords(name),
          <Value key={name} value={value} />,
        ])}
      />
    </Card>
  </Page>
)
