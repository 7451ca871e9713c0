// Imports: a CSV file looked at before it is sent, how far it is, and the rows that were refused.

import { useEffect, useRef, useState } from 'preact/hooks'
import { at, carryOut, change, type Request, wordsOf } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { type CsvFile, columnWords, type RowKind, readCsv } from '../lib/csv.ts'
import { useOnce } from '../lib/once.ts'
import { go, Link, type Params, query } from '../lib/router.tsx'
import { may } from '../lib/session.ts'
import type { Campaign } from '../lib/shapes.ts'
import { brief, count, number } from '../lib/text.ts'
import { Action } from '../parts/dialog.tsx'
import { ApiCall, Choice, Fault, Field, Form } from '../parts/form.tsx'
import { isUnderWay, type Job, JobState, type Jobs, JobTable, jobWords } from '../parts/jobs.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Figure, Id, Time } from '../parts/small.tsx'
import { Empty, Loading, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { say } from '../parts/toast.tsx'

interface Kind {
  readonly name: string
  readonly rows: RowKind
  readonly permission: string
  readonly hint: string
}

const CODE_COLUMNS =
  'Code, and any of Voucher Type, Value (minor units, per cent, units or points), Discount Type, Category, Start Date, Expiration Date, Redemption Limit, Additional Info, Active; any other column is metadata.'

const KINDS = {
  customers: {
    name: 'Customers, new and changed ones',
    rows: 'customers',
    permission: 'customers.write',
    hint: 'Source_id, and any of Name, Email, Phone, Birthdate, Description, Address_line_1, Address_line_2, Address_Postal_Code, Address_City, Address_State, Address_Country; any other column is metadata.',
  },
  vouchers: {
    name: 'Codes on their own',
    rows: 'vouchers',
    permission: 'codes.write',
    hint: CODE_COLUMNS,
  },
  campaign: {
    name: 'Codes of a campaign',
    rows: 'vouchers',
    permission: 'codes.write',
    hint: `${CODE_COLUMNS} What a code does not say is its campaign’s.`,
  },
} as const satisfies Readonly<Record<string, Kind>>
type KindName = keyof typeof KINDS

const KIND_NAMES = Object.keys(KINDS) as readonly KindName[]
const allowed = (): readonly KindName[] => KIND_NAMES.filter((one) => may(KINDS[one].permission))

/** Files that were sent from this page, by the job that reads them: so that a refused row can be shown with its line. */
const sent = new Map<string, CsvFile>()

const requestOf = (kind: KindName, campaign: string, file: File): Request => ({
  ...(kind === 'customers'
    ? change('POST', '/v1/customers/importCSV')
    : kind === 'vouchers'
      ? change('POST', '/v1/vouchers/importCSV')
      : change('POST', '/v1/campaigns/{campaignId}/importCSV', { params: { campaignId: campaign } })),
  file,
})

const Preview = ({ read, kind }: { readonly read: CsvFile; readonly kind: RowKind }) => (
  <div class="stack tight">
    <p class="soft small">
      {count(read.lines.length, 'row')} below the header
      {read.unreadable > 0 && `, of which ${number(read.unreadable)} cannot be read and will be refused`}. The first{' '}
      {number(read.first.length)}, with what each column becomes:
    </p>
    <Table
      label="The first rows of the file"
      rows={read.first}
      rowKey={(_, index) => String(index)}
      columns={read.names.map((name, index) => ({
        head: name === '' ? `(column ${index + 1})` : name,
        note: columnWords(name, kind),
        cell: (cells: CsvFile['first'][number]) =>
          cells === undefined ? (
            <span class="soft">{index === 0 ? 'cannot be read' : ''}</span>
          ) : (
            <span class="nowrap">{brief(cells[index]?.trim(), 40)}</span>
          ),
      }))}
    />
  </div>
)

/** Whether codes can be added to a campaign: one whose discounts need no code has none. */
const hasCodes = ({ campaign_type }: Campaign): boolean => campaign_type !== 'PROMOTION'

const NewImport = () => {
  const kinds = allowed()
  const [kind, setKind] = useState<KindName>(kinds.find((one) => one === query.value.get('of')) ?? kinds[0]!)
  const [campaign, setCampaign] = useState(query.value.get('campaign') ?? '')
  const [file, setFile] = useState<File>()
  const [read, setRead] = useState<CsvFile>()
  const [unreadable, setUnreadable] = useState<string>()
  const { fault, isBusy, once, clear } = useOnce()
  const isOfCampaign = kind === 'campaign'
  const campaigns = useAsk<{ readonly campaigns: readonly Campaign[] }>(
    isOfCampaign ? at('/v1/campaigns', { query: { limit: 100 } }) : undefined,
  )
  const named = useAsk<Campaign>(
    isOfCampaign && campaign !== '' ? at('/v1/campaigns/{id}', { params: { id: campaign } }) : undefined,
  )
  const { rows, hint } = KINDS[kind]
  useEffect(() => {
    setRead(undefined)
    setUnreadable(undefined)
    clear()
    if (file === undefined) return
    let isGone = false
    readCsv(file, rows).then(
      (one) => !isGone && setRead(one),
      (error: unknown) => !isGone && setUnreadable(wordsOf(error)),
    )
    return () => {
      isGone = true
    }
  }, [file, rows])
  const request = file && requestOf(kind, campaign, file)
  const isReady = read !== undefined && read.fault === undefined && (!isOfCampaign || campaign !== '')
  const start = () =>
    once(async () => {
      if (!request || !read) return
      const { async_action_id: id } = await carryOut<{ readonly async_action_id: string }>(request)
      sent.set(id, read)
      say('It is being imported')
      go(`/imports/${id}`)
    })
  const others = (campaigns.data?.campaigns ?? []).filter((one) => hasCodes(one) && one.id !== campaign)
  return (
    <Card title="A new import">
      <Form onSend={start}>
        <div class="form-grid">
          <Choice
            label="What the file holds"
            value={kind}
            options={kinds.map((one) => [one, KINDS[one].name])}
            onValue={(value) => setKind(kinds.find((one) => one === value) ?? kind)}
          />
          {isOfCampaign && (
            <Choice
              label="Campaign"
              value={campaign}
              options={[
                ['', 'Choose one'],
                ...(campaign === '' ? [] : [[campaign, named.data?.name ?? campaign] as const]),
                ...others.map(({ id, name }) => [id, name] as const),
              ]}
              onValue={setCampaign}
            />
          )}
          <Field label="CSV file" hint="Up to 10 MB and 20,000 rows, with names of columns in its first line.">
            {(ids) => (
              <input
                {...ids}
                type="file"
                accept=".csv,text/csv"
                onChange={(e) => setFile(e.currentTarget.files?.[0])}
              />
            )}
          </Field>
        </div>
        <p class="soft small">
          <b>Columns:</b> {hint}
        </p>
        {file !== undefined && read === undefined && unreadable === undefined && <Loading rows={3} />}
        {read !== undefined && read.names.length > 0 && <Preview read={read} kind={rows} />}
        <Fault text={unreadable ?? fault ?? read?.fault} />
        <footer>
          <button type="submit" class="main" disabled={isBusy || !isReady}>
            {isBusy ? 'Sending…' : read && isReady ? `Import ${count(read.lines.length, 'row')}` : 'Import'}
          </button>
        </footer>
        {request && <ApiCall request={request} />}
      </Form>
    </Card>
  )
}

/** How often jobs are looked at while one is under way, and otherwise, ms. */
const SOON_MS = 1_500
const SELDOM_MS = 30_000

export const Imports = () => {
  const address = at('/v1/async-actions', { query: { limit: 50 } })
  const [isBusy, setBusy] = useState(false)
  const asked = useAsk<Jobs>(may('jobs.read') ? address : undefined, isBusy ? SOON_MS : SELDOM_MS)
  const runs = asked.data?.async_actions.some(isUnderWay) ?? false
  useEffect(() => setBusy(runs), [runs])
  return (
    <Page
      title="Imports"
      lead="Customers and codes from a CSV file, dealt with in the background row by row. A row that is refused stops none of the others."
    >
      {allowed().length > 0 && <NewImport key={query.value.toString()} />}
      <Card title="Imports and other jobs, the newest first">
        <Shown of={asked}>
          {({ async_actions: jobs }) =>
            jobs.length === 0 ? (
              <Empty title="Nothing was imported yet">
                Changes of many codes or customers at once, and codes being made, show here too.
              </Empty>
            ) : (
              <JobTable jobs={jobs} label="Jobs" />
            )
          }
        </Shown>
      </Card>
    </Page>
  )
}

interface Refused {
  /** Counted from 0 below the header. */
  readonly row: number
  readonly code?: string
  readonly reason: string
}

interface WholeJob extends Job {
  readonly updated_at: string
  readonly result: {
    readonly message?: string | null
    readonly done_count: number
    readonly failed_count: number
    readonly failed: readonly Refused[]
  } | null
}

/** Refusals shown until somebody asks for all that are told. */
const FIRST = 50

const RefusedRows = ({ job, file }: { readonly job: WholeJob; readonly file: CsvFile | undefined }) => {
  const [isWhole, setWhole] = useState(false)
  const { failed = [], failed_count: refused = 0 } = job.result ?? {}
  if (refused === 0)
    return isUnderWay(job) ? <Empty title="No row was refused so far" /> : <Empty title="No row was refused" />
  const shown = isWhole ? failed : failed.slice(0, FIRST)
  const isOfFile = job.type.endsWith('_CSV')
  return (
    <>
      {isOfFile && (
        <p class="soft small">
          {file
            ? `Lines are those of ${file.file.name}; the header is line 1.`
            : 'Rows are counted below the header: the first is row 1. Blank lines are no rows.'}
        </p>
      )}
      <Table
        label="Refused rows"
        rows={shown}
        rowKey={({ row }, index) => `${row} ${index}`}
        columns={[
          file
            ? { head: 'Line', align: 'right' as const, cell: ({ row }) => number(file.lines[row]) }
            : { head: 'Row', align: 'right' as const, cell: ({ row }) => number(row + 1) },
          ...(failed.some(({ code }) => code !== undefined)
            ? [{ head: 'Code', cell: ({ code }: Refused) => code ?? '–' }]
            : []),
          { head: 'Why', wide: 'all' as const, cell: ({ reason }) => <span class="wrap">{reason}</span> },
        ]}
      />
      <p class="list-end soft small">
        <span>
          {number(shown.length)} of {number(refused)} shown
          {refused > failed.length && failed.length === shown.length && ': no more are told one by one'}
        </span>
        {shown.length < failed.length && (
          <button type="button" class="quiet" onClick={() => setWhole(true)}>
            Show {number(failed.length)}
          </button>
        )}
      </p>
    </>
  )
}

/** What was sent of people is not kept, so that it cannot be gone over again. */
const keepsItems = ({ type }: Job): boolean => type.startsWith('VOUCHERS.') || type.startsWith('CAMPAIGN.')

const Actions = ({ job }: { readonly job: WholeJob }) => {
  const params = { id: job.id }
  return isUnderWay(job) ? (
    <Action
      request={change('POST', '/v1/async-actions/{id}/cancel', { params })}
      question="What was done stays done; the rest is left."
      done="Ended"
      tone="danger"
    >
      End it
    </Action>
  ) : keepsItems(job) && (job.status === 'FAILED' || (job.result?.failed_count ?? 0) > 0) ? (
    <Action request={change('POST', '/v1/async-actions/{id}/retry', { params })} done="It goes on">
      Try again what failed
    </Action>
  ) : null
}

export const Import = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const address = at('/v1/async-actions/{id}', { params: { id } })
  const [isBusy, setBusy] = useState(true)
  const asked = useAsk<WholeJob>(address, isBusy ? SOON_MS : undefined)
  const last = useRef<WholeJob>(undefined)
  // What was told stays while the server is away for a moment.
  if (asked.data) last.current = asked.data
  const job = asked.data ?? (asked.error === undefined ? last.current : undefined)
  const runs = job === undefined ? asked.error === undefined : isUnderWay(job)
  useEffect(() => setBusy(runs), [runs])
  const file = sent.get(id)
  return (
    <Page
      title={job ? jobWords(job.type) : 'Import'}
      crumbs={[['/imports', 'Imports']]}
      actions={job && may('jobs.write') && <Actions job={job} />}
    >
      <Shown of={{ ...asked, data: job }}>
        {(one) => (
          <>
            <dl class="figures">
              <Figure label="Rows" value={one.total} />
              <Figure label="Done" value={one.result?.done_count ?? 0} />
              <Figure label="Refused" value={one.result?.failed_count ?? 0} />
            </dl>
            <p class="row" role="status">
              <JobState job={one} />
              {one.result?.message && <span>{one.result.message}</span>}
            </p>
            <Card title="Refused rows">
              <RefusedRows job={one} file={file} />
            </Card>
            <Card title="The job">
              <Facts
                of={[
                  ['Id', <Id key="id" id={one.id} />],
                  ['File', file?.file.name],
                  [
                    'Campaign',
                    one.campaign_id && (
                      <Link key="campaign" to={`/campaigns/${one.campaign_id}`}>
                        {one.campaign_id}
                      </Link>
                    ),
                  ],
                  ['Asked for', <Time key="made" at={one.created_at} />],
                  ['Last news', <Time key="changed" at={one.updated_at} />],
                ]}
              />
            </Card>
          </>
        )}
      </Shown>
    </Page>
  )
}
