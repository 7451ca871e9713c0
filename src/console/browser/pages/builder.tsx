// Making and changing a segment: its condition as forms and as JSON, whom it would have, and the call that publishes it.

import { useEffect, useMemo, useState } from 'preact/hooks'
import { at, carryOut, change, send, tagOf, wordsOf } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { conditionOf, lackOf, type Node, nodeOf } from '../lib/condition.ts'
import { readJson } from '../lib/json.ts'
import { useOnce } from '../lib/once.ts'
import { go, type Params } from '../lib/router.tsx'
import type { Customer, EventSchema, ListOf, Segment } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { ConditionForm } from '../parts/conditionForm.tsx'
import { CustomerLink } from '../parts/customer.tsx'
import { ApiCall, Area, Check, Fault, Form, Text } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Shown } from '../parts/state.tsx'
import { say } from '../parts/toast.tsx'

interface Preview {
  readonly matching: number
  readonly looked_at: number
  readonly total: number
  readonly complete: boolean
  readonly examples: readonly Customer[]
}

/** How long changes rest before they are asked about, ms. */
const REST_MS = 600
/** Customers that are looked at while somebody still changes the condition: all of them may take half a minute. */
const SAMPLE = 1_000
const SHOWN = 5

interface Previewing {
  readonly preview?: Preview
  readonly fault?: string
}

/** Whom a condition would have, asked when it has not changed for a moment. */
const usePreview = (condition: string, isAll: boolean): Previewing => {
  const [shown, setShown] = useState<Previewing>({})
  useEffect(() => {
    const gone = new AbortController()
    if (isAll) setShown({})
    const timer = setTimeout(async () => {
      try {
        const asked = { condition: JSON.parse(condition), ...(isAll ? {} : { sample: SAMPLE }) }
        const preview = await send<Preview>(change('POST', '/v1/segments/preview', { body: asked }), gone.signal)
        setShown({ preview })
      } catch (error) {
        if (!gone.signal.aborted) setShown({ fault: wordsOf(error) })
      }
    }, REST_MS)
    return () => {
      clearTimeout(timer)
      gone.abort()
    }
  }, [condition, isAll])
  return shown
}

/** How many there are, or about how many by those that were looked at. */
const HowMany = ({ of: { matching, looked_at, total, complete } }: { readonly of: Preview }) =>
  complete ? (
    <p>
      <span class="figure-value">{number(matching)}</span> <span class="soft">of {number(looked_at)} customers</span>
    </p>
  ) : (
    <p>
      <span class="figure-value">about {number(Math.round((matching * total) / Math.max(1, looked_at)))}</span>{' '}
      <span class="soft">
        of {number(total)} customers: {number(matching)} of {number(looked_at)} that were looked at
      </span>
    </p>
  )

const Previewed = ({ condition }: { readonly condition: string }) => {
  const [countedOf, setCountedOf] = useState<string>()
  const isAll = countedOf === condition
  const { preview, fault } = usePreview(condition, isAll)
  if (fault)
    return (
      <p class="note" data-tone="warn">
        {fault}
      </p>
    )
  if (!preview) return <p class="soft">{isAll ? 'Looking at every customer…' : 'Asking…'}</p>
  return (
    <>
      <HowMany of={preview} />
      <ul>
        {preview.examples.slice(0, SHOWN).map((one) => (
          <li key={one.id}>
            <CustomerLink customer={one} />
          </li>
        ))}
      </ul>
      {!preview.complete && !isAll && (
        <div class="row">
          <button type="button" onClick={() => setCountedOf(condition)}>
            Count all
          </button>
        </div>
      )}
    </>
  )
}

/** Nobody is asked for while the form lacks something. */
const PreviewCard = ({ condition, lack }: { readonly condition: string; readonly lack: string | undefined }) => (
  <Card title="Whom it would have">
    <div role="status" class="stack tight">
      {lack === undefined ? <Previewed condition={condition} /> : <p class="soft">Choose {lack} to see it.</p>}
    </div>
  </Card>
)

interface Draft {
  readonly name: string
  readonly trigger: boolean
  readonly node: Node
  /** Of the segment when the draft was begun. */
  readonly tag?: string | undefined
}

const draftKey = (id: string | undefined): string => `tributary-segment-draft-${id ?? 'new'}`

/** What was written of it before, in this browser. */
const keptDraft = (id: string | undefined): Draft | undefined => {
  const kept = localStorage.getItem(draftKey(id))
  if (kept === null) return undefined
  try {
    return JSON.parse(kept) as Draft
  } catch {
    localStorage.removeItem(draftKey(id))
    return undefined
  }
}

const draftOf = (segment: Segment | undefined): Draft => ({
  name: segment?.name ?? '',
  trigger: segment?.trigger_on_rollout ?? false,
  node: segment?.condition === undefined ? { kind: 'group', join: 'all', of: [] } : nodeOf(segment.condition),
  tag: tagOf(segment),
})

interface FormProps {
  readonly segment: Segment | undefined
  readonly schemas: readonly EventSchema[]
  readonly segments: readonly Segment[]
}

const BuilderForm = ({ segment, schemas, segments }: FormProps) => {
  const [kept, setKept] = useState(() => keptDraft(segment?.id))
  const saved = useMemo(() => draftOf(segment), [segment])
  // Until something is written the form is what the segment is, also when it is read again.
  const draft = kept ?? saved
  const [written, setWritten] = useState<string>()
  const { fault, isBusy, once } = useOnce()
  const known = useMemo(
    () => ({ schemas, segments: segments.filter(({ id }) => id !== segment?.id) }),
    [schemas, segments, segment],
  )
  const typeOf = (event: string, property: string) =>
    schemas.find(({ name }) => name === event)?.schema.properties[property]?.type
  const condition = conditionOf(draft.node, typeOf)
  const json = JSON.stringify(condition, undefined, 2)
  const keep = (changed: Partial<Draft>) => {
    const next = { ...draft, ...changed }
    setKept(next)
    localStorage.setItem(draftKey(segment?.id), JSON.stringify(next))
  }
  const write = (text: string) => {
    setWritten(text)
    const read = readJson(text)
    // Until it is JSON, the last that was stands.
    if (!('fault' in read)) keep({ node: nodeOf(read.value) })
  }
  /** Why what stands in the field is not what would be sent. */
  const unread = written === undefined ? undefined : readJson(written).fault
  const body = { name: draft.name, type: 'auto-update', condition, trigger_on_rollout: draft.trigger }
  const request = segment
    ? { ...change('PUT', '/v1/segments/{id}', { params: { id: segment.id }, body }), ifMatch: draft.tag }
    : change('POST', '/v1/segments', { body })
  const discard = () => localStorage.removeItem(draftKey(segment?.id))
  const publish = () =>
    once(async () => {
      const { id } = await carryOut<Segment>(request)
      discard()
      say('Published')
      go(`/segments/${id}`)
    })
  return (
    <Form onSend={publish}>
      <Card>
        <Text
          label="Name"
          value={draft.name}
          onValue={(name) => keep({ name })}
          required
          maxLength={300}
          placeholder="Regulars"
        />
        <Check
          label="Who enters because of this change triggers messages and points too"
          checked={draft.trigger}
          onChecked={(trigger) => keep({ trigger })}
        />
      </Card>
      <div class="columns builder">
        <Card title="Who is in it">
          <ConditionForm
            node={draft.node}
            known={known}
            onNode={(node) => {
              setWritten(undefined)
              keep({ node })
            }}
          />
        </Card>
        <div class="stack">
          <PreviewCard condition={json} lack={lackOf(draft.node)} />
          <Card title="As JSON">
            <Area label="Condition" isCode rows={14} value={written ?? json} onValue={write} fault={unread} />
          </Card>
        </div>
      </div>
      <Fault text={fault} />
      <footer>
        <button type="submit" class="main" disabled={isBusy || unread !== undefined}>
          {segment ? 'Publish the change' : 'Publish'}
        </button>
        <button
          type="button"
          onClick={() => {
            discard()
            setWritten(undefined)
            setKept(undefined)
          }}
        >
          Discard the draft
        </button>
        <span class="soft small">What you write is kept in this browser until it is published.</span>
      </footer>
      <ApiCall request={request} />
    </Form>
  )
}

export const Builder = ({ params }: { readonly params: Params }) => {
  const { id } = params
  const segment = useAsk<Segment>(id === undefined ? undefined : at('/v1/segments/{id}', { params: { id } }))
  const schemas = useAsk<ListOf<EventSchema>>(at('/v1/event-schemas'))
  const segments = useAsk<ListOf<Segment>>(at('/v1/segments', { query: { limit: 100 } }))
  const isThere = schemas.data && segments.data && (id === undefined || segment.data)
  return (
    <Page
      title={id === undefined ? 'New segment' : `Change ${segment.data?.name ?? 'the segment'}`}
      crumbs={[['/segments', 'Segments']]}
      lead="Customers enter and leave by themselves, to the millisecond at which the condition begins or ends to hold."
    >
      <Shown
        of={{
          data: isThere ? true : undefined,
          error: segment.error ?? schemas.error ?? segments.error,
          again: schemas.again,
        }}
      >
        {() => (
          <BuilderForm segment={segment.data} schemas={schemas.data?.data ?? []} segments={segments.data?.data ?? []} />
        )}
      </Shown>
    </Page>
  )
}
