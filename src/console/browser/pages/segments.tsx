// Segments: which there are, and of one its members, size over time, roll-out, and why somebody is in it or not.
import { useMemo } from 'preact/hooks'
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { mayAudit, mayWrite } from '../lib/session.ts'
import type { Segment as SegmentShape } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { AskWhy } from '../parts/askWhy.tsx'
import { CustomerLink } from '../parts/customer.tsx'
import { Action } from '../parts/dialog.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Plot } from '../parts/plot.tsx'
import { Bar, Facts, Figure, Id, Json, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List } from '../parts/table.tsx'

const KINDS: Readonly<Record<string, string>> = { 'auto-update': 'Active', passive: 'Passive', static: 'Fixed list' }

const Rollout = ({ of: { rollout } }: { readonly of: SegmentShape }) =>
  rollout.status === 'DONE' ? (
    <State state="done" />
  ) : (
    <Bar done={rollout.done} total={rollout.total} label="Roll-out" />
  )

const HowMany = ({ id }: { readonly id: string }) => {
  const { data } = useAsk<{ readonly members: number }>(at('/v1/segments/{id}/statistics', { params: { id } }))
  return <>{number(data?.members)}</>
}

export const Segments = () => {
  const list = useList<SegmentShape>(at('/v1/segments', { query: { limit: 25, order: '-created_at' } }))
  return (
    <Page
      title="Segments"
      lead="Groups of customers by what they do and who they are."
      actions={
        mayWrite() ? (
          <Link to="/segments/new" class="button main">
            New segment
          </Link>
        ) : undefined
      }
    >
      <List
        label="Segments"
        list={list}
        rowKey={({ id }) => id}
        columns={[
          {
            head: 'Segment',
            wide: true,
            cell: (one) => (
              <>
                <Link to={`/segments/${one.id}`}>{one.name}</Link>
                {one.switched_off && <div class="fault small">Switched off: {one.switched_off}</div>}
              </>
            ),
          },
          { head: 'Members', align: 'right', cell: ({ id }) => <HowMany id={id} /> },
          { head: 'Kind', cell: ({ type }) => KINDS[type] ?? type },
          { head: 'Roll-out', cell: (one) => <Rollout of={one} /> },
          { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
        ]}
        empty={
          <Empty title="There is no segment yet">
            A segment can trigger messages and points when somebody enters or leaves it.
          </Empty>
        }
      />
    </Page>
  )
}

interface Member {
  readonly id: string
  readonly source_id: string | null
  readonly name: string | null
  readonly since: string
}

interface SegmentStatistics {
  readonly members: number
  readonly data: readonly {
    readonly from: string
    readonly entered: number
    readonly left: number
    readonly members: number
  }[]
}

const Size = ({ id }: { readonly id: string }) => {
  const asked = useAsk<SegmentStatistics>(at('/v1/segments/{id}/statistics', { params: { id } }))
  const points = useMemo(
    () => asked.data?.data.map(({ from, members }) => ({ at: from, value: members })) ?? [],
    [asked.data],
  )
  return (
    <Shown of={asked}>
      {({ members, data }) => (
        <>
          <dl class="figures">
            <Figure label="Members" value={members} />
            <Figure label="Entered, 30 days" value={data.reduce((sum, { entered }) => sum + entered, 0)} />
            <Figure label="Left, 30 days" value={data.reduce((sum, { left }) => sum + left, 0)} />
          </dl>
          <Card title="Size over time">
            <Plot label="Members at the end of each day" unit="members" points={points} isLevel />
          </Card>
        </>
      )}
    </Shown>
  )
}

export const Segment = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<SegmentShape>(at('/v1/segments/{id}', { params: { id } }), 15_000)
  const members = useList<Member>(at('/v1/segments/{id}/members', { params: { id }, query: { limit: 25 } }))
  const { data } = asked
  return (
    <Page
      title={data?.name ?? 'Segment'}
      crumbs={[['/segments', 'Segments']]}
      actions={
        data &&
        mayWrite() && (
          <>
            <Link to={`/segments/${id}/edit`} class="button">
              Change
            </Link>
            <Action
              request={change('DELETE', '/v1/segments/{id}', { params: { id } })}
              question={`“${data.name}” ends: its members leave it, and nothing is triggered by that.`}
              done="Deleted"
              tone="danger"
              onDone={() => go('/segments')}
            >
              Delete
            </Action>
          </>
        )
      }
    >
      <Shown of={asked}>
        {(segment) => (
          <>
            {segment.type !== 'static' && <Size id={id} />}
            <div class="columns">
              <Card title="Definition">
                <Facts
                  of={[
                    ['Id', <Id key="id" id={segment.id} />],
                    ['Kind', KINDS[segment.type] ?? segment.type],
                    ['Roll-out', <Rollout key="rollout" of={segment} />],
                    ['Roll-out triggers', segment.trigger_on_rollout ? 'Yes' : 'No'],
                    ['Made', <Time key="made" at={segment.created_at} />],
                    ['Changed', <Time key="changed" at={segment.updated_at} />],
                  ]}
                />
                <Json value={segment.condition ?? segment.filter} label="Condition" />
              </Card>
              {mayAudit() && <AskWhy title="Why is somebody in it, or not?" id={id} />}
            </div>
            <Card title="Members" isFlush>
              <div class="inside-flush">
                <List
                  label="Members"
                  list={members}
                  rowKey={(one) => one.id}
                  columns={[
                    {
                      head: 'Customer',
                      wide: true,
                      cell: (one) => <CustomerLink customer={one} tab="segments" />,
                    },
                    { head: 'source_id', cell: ({ source_id }) => <Id id={source_id} /> },
                    { head: 'Since', cell: ({ since }) => <Time at={since} /> },
                  ]}
                  empty="Nobody is in it now"
                />
              </div>
            </Card>
          </>
        )}
      </Shown>
    </Page>
  )
}
