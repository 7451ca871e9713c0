// Background jobs in lists: what each does, in words, and how far it is.
import { Link } from '../lib/router.tsx'
import { number, stateWords } from '../lib/text.ts'
import { Bar, State, Time } from './small.tsx'
import { Table } from './table.tsx'

export interface Job {
  readonly id: string
  readonly type: string
  readonly status: string
  /** Per cent. */
  readonly progress: number
  readonly total: number
  readonly campaign_id: string | null
  readonly created_at: string
}

export interface Jobs {
  readonly async_actions: readonly Job[]
}

const NAMES: Readonly<Record<string, string>> = {
  'CAMPAIGN.VOUCHERS_GENERATE': 'Codes made for a campaign',
  'CAMPAIGN.VOUCHERS_IMPORT': 'Codes brought into a campaign',
  'CAMPAIGN.VOUCHERS_IMPORT_CSV': 'Codes brought into a campaign from a file',
  'VOUCHERS.IMPORT': 'Codes imported',
  'VOUCHERS.IMPORT_CSV': 'Codes imported from a file',
  'VOUCHERS.BULK_UPDATE': 'Codes changed',
  'VOUCHERS.METADATA_UPDATE': 'Metadata of codes changed',
  'CUSTOMERS.IMPORT_CSV': 'Customers imported from a file',
  'CUSTOMERS.BULK_UPDATE': 'Customers changed',
  'CUSTOMERS.METADATA_UPDATE': 'Metadata of customers changed',
  'ORDERS.IMPORT': 'Orders imported',
}

export const jobWords = (type: string): string => NAMES[type] ?? stateWords(type.replaceAll('.', ' '))
export const isUnderWay = ({ status }: Pick<Job, 'status'>): boolean =>
  status === 'ACCEPTED' || status === 'IN_PROGRESS'

export const JobState = ({ job }: { readonly job: Job }) =>
  isUnderWay(job) ? (
    <Bar done={Math.floor((job.total * job.progress) / 100)} total={job.total} label={`${jobWords(job.type)}: done`} />
  ) : (
    <State state={job.status} />
  )

export const JobTable = ({ jobs, label }: { readonly jobs: readonly Job[]; readonly label: string }) => (
  <Table
    label={label}
    rows={jobs}
    rowKey={({ id }) => id}
    columns={[
      { head: 'What', wide: true, cell: ({ id, type }) => <Link to={`/imports/${id}`}>{jobWords(type)}</Link> },
      { head: 'Rows', align: 'right', cell: ({ total }) => number(total) },
      { head: 'Asked for', cell: ({ created_at }) => <Time at={created_at} /> },
      { head: 'State', cell: (job) => <JobState job={job} /> },
    ]}
  />
)
