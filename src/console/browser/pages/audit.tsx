// Audit: comparing, checking and deciding again while one looks on; why anything was recorded; what a draft would have done.

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { at, wordsOf } from '../lib/api.ts'
import { readJson } from '../lib/json.ts'
import { type Run, useRun } from '../lib/lines.ts'
import { go, query, withQuery } from '../lib/router.tsx'
import type { Fields } from '../lib/shapes.ts'
import { brief, number, stateWords } from '../lib/text.ts'
import { Area, Choice, Fault, Form } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Bar, Facts, Id, Json, State, Value } from '../parts/small.tsx'
import { Failed } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { Why } from '../parts/why.tsx'

const Progress = ({ run }: { readonly run: Run }) => {
  const { phase, part, ...rest } = run.progress ?? {}
  return (
    <p class="row" role="status">
      <span>{phase === undefined ? 'Working' : stateWords(String(phase))}…</span>
      {typeof part === 'number' && <Bar done={Math.round(part * 100)} total={100} label="Progress in per cent" />}
      <span class="soft small">
        {Object.entries(rest)
          .map(([name, value]) => `${name} ${typeof value === 'number' ? number(value) : brief(value, 40)}`)
          .join(', ')}
      </span>
    </p>
  )
}

interface RunCardProps {
  readonly title: string
  readonly about: string
  readonly button: string
  readonly path: string
  readonly children: (end: Fields, lines: readonly Fields[]) => ComponentChildren
}

const RunCard = ({ title, about, button, path, children }: RunCardProps) => {
  const [run, start] = useRun()
  return (
    <Card
      title={title}
      actions={
        <button type="button" disabled={run.state === 'running'} onClick={() => start(path)}>
          {run.state === 'idle' ? button : 'Run again'}
        </button>
      }
    >
      <p class="soft">{about}</p>
      {run.state === 'running' && <Progress run={run} />}
      {run.state === 'failed' && <Failed error={run.error} />}
      {run.state === 'done' && run.end && children(run.end, run.lines)}
    </Card>
  )
}

interface Law {
  readonly name: string
  readonly says: string
  readonly violations: number
}

const Laws = ({ laws }: { readonly laws: readonly Law[] }) => (
  <>
    <p>
      {laws.every(({ violations }) => violations === 0) ? <State state="ok" /> : <State state="broken" tone="bad" />}{' '}
      {number(laws.length)} laws, {number(laws.reduce((sum, { violations }) => sum + violations, 0))} violations
    </p>
    <Table
      label="Laws"
      rows={laws}
      rowKey={({ name }) => name}
      columns={[
        { head: 'Law', wide: true, cell: ({ says }) => says },
        { head: 'Violations', align: 'right', cell: ({ violations }) => number(violations) },
      ]}
    />
  </>
)

/** The end of a run: what can be said in a line, then the rest. */
const Outcome = ({ end }: { readonly end: Fields }) => {
  const plain = Object.entries(end).filter(([, value]) => typeof value !== 'object')
  const rest = Object.fromEntries(
    Object.entries(end).filter(([, value]) => typeof value === 'object' && value !== null),
  )
  return (
    <>
      <Facts of={plain.map(([name, value]) => [stateWords(name), <Value key={name} value={value} />])} />
      {Object.keys(rest).length > 0 && (
        <details>
          <summary>In full</summary>
          <Json value={rest} label="Result" />
        </details>
      )}
    </>
  )
}

const Explain = () => {
  const shown = query.value.get('id') ?? ''
  const [id, setId] = useState(shown)
  return (
    <Card title="Why was this recorded?">
      <Form class="filters" onSend={() => go(withQuery({ id: id.trim() }))}>
        <input
          type="search"
          class="grow"
          aria-label="Id to explain"
          placeholder="Id of an activity entry, a transaction or a message"
          value={id}
          onInput={(e) => setId(e.currentTarget.value)}
        />
        <button type="submit" class="main">
          Explain
        </button>
      </Form>
      {shown !== '' && <Why id={shown} />}
    </Card>
  )
}

const DRAFT = {
  name: 'Draft',
  type: 'auto-update',
  condition: { event: 'order_paid', count: { $more_than_equal: 2 }, within: 'P30D' },
}

const Simulate = () => {
  const [kind, setKind] = useState('segment')
  const [text, setText] = useState(JSON.stringify(DRAFT, undefined, 2))
  const [fault, setFault] = useState<string>()
  const [run, start] = useRun()
  const simulate = () => {
    const read = readJson(text)
    setFault(read.fault)
    if (!('fault' in read)) start('/v1/audit/simulations', { kind, definition: read.value })
  }
  return (
    <Card title="What would a draft have done?">
      <Form onSend={simulate}>
        <Choice
          label="Kind"
          value={kind}
          onValue={setKind}
          options={[
            ['segment', 'Segment'],
            ['earningRule', 'Earning rule'],
            ['distribution', 'Distribution'],
            ['validationRule', 'Validation rule'],
          ]}
        />
        <Area label="Draft" isCode rows={8} value={text} onValue={setText} fault={fault} />
        <footer>
          <button type="submit" disabled={run.state === 'running'}>
            Simulate
          </button>
          <span class="soft small">Over recorded history; nothing is written.</span>
        </footer>
      </Form>
      {run.state === 'running' && <Progress run={run} />}
      {run.state === 'failed' && <Fault text={wordsOf(run.error)} />}
      {run.state === 'done' && run.end && <Outcome end={run.end} />}
    </Card>
  )
}

export const Audit = () => (
  <Page
    title="Audit"
    lead="Everything here is worked out from the log, which nobody can change."
    actions={
      <a class="button" href={at('/v1/audit/export')} download="log.ndjson">
        Export the log
      </a>
    }
  >
    <Explain />
    <div class="columns">
      <RunCard
        title="Laws"
        about="Limits, ledgers, ids and more, checked from the log alone by code of their own."
        button="Check the laws"
        path={at('/v1/audit/laws')}
      >
        {(end) => <Laws laws={(end.laws ?? []) as readonly Law[]} />}
      </RunCard>
      <RunCard
        title="Verify"
        about="Builds the read models anew beside the live ones, and compares every document."
        button="Verify"
        path={at('/v1/audit/verify')}
      >
        {(end) => <Outcome end={end} />}
      </RunCard>
      <RunCard
        title="Decide again"
        about="Takes every recorded decision again by today’s code, and tells what comes out differently."
        button="Decide again"
        path={at('/v1/audit/redecide')}
      >
        {(end) => <Outcome end={end} />}
      </RunCard>
      <RunCard
        title="Seal"
        about="A chain of hashes over the log: keep the last one elsewhere, and later changes show."
        button="Make the seal"
        path={at('/v1/audit/seal')}
      >
        {(end, lines) => {
          const last = lines.at(-1)
          return (
            <Facts
              of={[
                ['Blocks', number(end.blocks as number)],
                ['Facts', number(last?.upTo as number | undefined)],
                ['Position', <Id key="position" id={String(last?.position ?? '')} />],
                ['Hash', <Id key="hash" id={String(last?.hash ?? '')} />],
              ]}
            />
          )
        }}
      </RunCard>
    </div>
    <Simulate />
  </Page>
)
