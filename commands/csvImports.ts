// Customers and vouchers from a CSV file, dealt with in the background row by row.

import * as v from 'valibot'
import { AcceptedObject } from '../src/api/presenters/asyncActions.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { Code } from '../src/domain/codes.ts'
import { CustomerInput } from '../src/domain/customer/profile.ts'
import { present } from '../src/domain/present.ts'
import { isRefused } from '../src/domain/refusal.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { UNREDEEMED, VoucherSpec } from '../src/domain/rulebook/voucherSpec.ts'
import type { JobItem } from '../src/domain/vouchers/job.ts'
import {
  completeMember,
  completeSingle,
  memberFaults,
  memberType,
  misfitOf,
  refusalOf,
  singleFaults,
} from '../src/domain/vouchers/make.ts'
import { isExact } from '../src/exactJson.ts'
import { isFailure } from '../src/http/errors.ts'
import { describeIssues } from '../src/http/issues.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import {
  addressPart,
  columnName,
  LEFT_COLUMNS,
  listIn,
  MAX_ROWS,
  metadataName,
  PROFILE_COLUMNS,
  USED_COLUMNS,
  VOUCHER_COLUMNS,
} from '../src/import/csvColumns.ts'
import type { Services } from '../src/services.ts'
import { acceptItems, BULK_BODY } from './accepting.ts'
import { type CsvRecord, csvItems, type Faulty } from './csvRows.ts'
import { accept } from './voucherJobs.ts'
import { campaignForCodes } from './vouchers.ts'

const Upload = v.object({
  file: v.pipe(v.string(), v.metadata({ format: 'binary' })),
  webhooks_enable: v.optional(v.picklist(['true', 'false'])),
})
type UploadCall = Call<v.InferOutput<typeof Upload>, unknown, unknown>

const faulty = (issues: readonly v.BaseIssue<unknown>[]): Faulty => ({
  fault: `invalid_payload: ${describeIssues(issues as [v.BaseIssue<unknown>])}`,
})

const customerIn = (record: CsvRecord): CustomerInput | Faulty => {
  const profile: Record<string, string | readonly string[]> = {}
  const address: Record<string, string> = {}
  const metadata: Record<string, string> = {}
  for (const [name, cell] of record) {
    const column = columnName(name)
    const part = addressPart(column)
    if (column === 'unsubscribed') profile[column] = listIn(cell)
    else if (PROFILE_COLUMNS.has(column)) profile[column] = cell
    else if (part !== undefined) address[part] = cell
    else metadata[metadataName(name)] = cell
  }
  const parsed = v.safeParse(CustomerInput, {
    ...profile,
    ...(Object.keys(address).length > 0 ? { address } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  })
  return parsed.success ? parsed.output : faulty(parsed.issues)
}

const FLAGS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  '1': true,
  false: false,
  no: false,
  '0': false,
}
/** A number that a cell says; what is none, or would not be kept exactly, stays a text. */
const numberIn = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^-?\d+(\.\d+)?$/.test(text) && isExact(Number(text)) ? Number(text) : text

/** What `Value` is worth: credits or an amount in minor units, a percentage, units, or the points that a card begins with. */
const worthOf = (type: string | undefined, kind: string | undefined, value: string | undefined) => {
  if (value === undefined) return {}
  if (type === 'GIFT_VOUCHER') return { gift: { amount: numberIn(value) } }
  if (type === 'LOYALTY_CARD') return { loyalty_card: { points: numberIn(value) } }
  const name = { AMOUNT: 'amount_off', PERCENT: 'percent_off', UNIT: 'unit_off', FIXED: 'fixed_amount' }[
    kind ?? 'AMOUNT'
  ]
  return { discount: { type: kind ?? 'AMOUNT', ...(name ? { [name]: numberIn(value) } : {}) } }
}

type Cells = ReadonlyMap<string, string>

/** What a row says of a voucher's past: it begins unredeemed, so that what is left is to be said as its limit and its value. */
const pastFault = (cells: Cells, value: string | undefined): string | undefined => {
  const used = USED_COLUMNS.find((column) => (numberIn(cells.get(column)) ?? 0) !== 0)
  if (used) return `Property .${used} must be 0, or be left out: ${UNREDEEMED}`
  const left = LEFT_COLUMNS.find((column) => (numberIn(cells.get(column)) ?? numberIn(value)) !== numberIn(value))
  return left && `Property .${left} must be equal to value, or be left out: ${UNREDEEMED}`
}

/** A voucher in a row: a single one says what it is worth, one of a campaign need not. */
const voucherIn =
  (campaign: Entry<Campaign> | undefined, { definitions, project: { timeZone } }: Rulebook) =>
  (record: CsvRecord): JobItem | (Faulty & { readonly code: string }) => {
    const cells = new Map<string, string>()
    const metadata: Record<string, string> = {}
    for (const [name, cell] of record) {
      const column = columnName(name)
      if (VOUCHER_COLUMNS.has(column)) cells.set(column, cell)
      else metadata[metadataName(name)] = cell
    }
    const given = cells.get('code') ?? ''
    const type = (cells.get('voucher_type') ?? cells.get('type'))?.toUpperCase()
    const limit = numberIn(cells.get('redemption_limit') ?? cells.get('redemption_quantity'))
    const value = cells.get('value') ?? cells.get('gift_balance') ?? cells.get('loyalty_balance')
    const code = v.safeParse(Code, given)
    if (!code.success) return { code: given, fault: `Property .code ${code.issues[0].message}` }
    const past = pastFault(cells, value)
    if (past !== undefined) return { code: given, fault: past }
    const flag = cells.get('active')
    const active = flag === undefined ? true : FLAGS[flag.toLowerCase()]
    if (active === undefined) return { code: given, fault: 'Property .active must be true or false' }
    const spec = v.safeParse(
      VoucherSpec,
      present({
        type,
        ...worthOf(
          type ?? (campaign && memberType(campaign.definition)),
          cells.get('discount_type')?.toUpperCase(),
          value,
        ),
        category: cells.get('category'),
        start_date: cells.get('start_date'),
        expiration_date: cells.get('expiration_date'),
        additional_info: cells.get('additional_info'),
        redemption: limit === undefined ? undefined : { quantity: limit },
        metadata: Object.keys(metadata).length > 0 ? metadata : undefined,
      }),
    )
    if (!spec.success) return { code: given, fault: describeIssues(spec.issues) }
    const calendar = calendarOf(timeZone)
    const faults = campaign
      ? memberFaults(spec.output, campaign.definition, calendar)
      : singleFaults(spec.output, calendar)
    const refused = refusalOf(faults) ?? misfitOf(definitions, spec.output, campaign?.definition, { isNew: true })
    if (refused && isRefused(refused)) return { code: given, fault: refused.refused.details }
    const whole = campaign ? completeMember(spec.output, campaign.definition) : completeSingle(spec.output)
    return { code: code.output, active, spec: whole }
  }

const importVouchers = async (services: Services, call: UploadCall, campaign?: Entry<Campaign>): Promise<Outcome> => {
  const items = await csvItems<JobItem>(call.body.file, 'code', voucherIn(campaign, services.rulebook.current()))
  if (isFailure(items)) return items
  const type = campaign ? 'CAMPAIGN.VOUCHERS_IMPORT_CSV' : 'VOUCHERS.IMPORT_CSV'
  const about = { type, count: items.length, ...(campaign ? { campaign: campaign.id } : {}) } as const
  // A row that could not be read has its place among the others, and fails.
  const rows = items.map((item) => ('fault' in item ? { code: '', ...item } : item))
  return accept(services, call, (id) => ({ id, ...about }), rows)
}

const COMMON = { tag: 'Vouchers', permission: 'codes.write' } as const
const shared = { body: Upload, bodyLimit: BULK_BODY, isUpload: true, status: 202, response: AcceptedObject } as const

const VOUCHER_WORDS =
  'Columns, with any of them but `Code` left out: `Code`, `Voucher Type`, `Value` (minor units, percent, units or points), `Discount Type`, ' +
  '`Category`, `Start Date`, `Expiration Date`, `Redemption Limit`, `Additional Info`, `Active`; any other is metadata. `Redeemed Quantity` ' +
  'and `Redeemed Amount` are taken when they are 0: a code begins unredeemed. '

export const csvImportCommands = (services: Services) => [
  route({
    ...shared,
    method: 'post',
    path: '/v1/customers/importCSV',
    summary: 'Create or change customers from a CSV file',
    description:
      'Columns: `Source_id`, and any of `Name`, `Email`, `Phone`, `Birthdate`, `Description`, `Unsubscribed` (channels), `Address_line_1`, `Address_line_2`, ' +
      `\`Address_Postal_Code\`, \`Address_City\`, \`Address_State\`, \`Address_Country\`; any other is metadata. Up to ${MAX_ROWS} rows. ` +
      'Those that cannot be saved are told of in the async action.',
    tag: 'Customers',
    permission: 'customers.write',
    handler: async (call): Promise<Outcome> => {
      const items = await csvItems(call.body.file, 'source_id', customerIn)
      return isFailure(items) ? items : acceptItems(services, call, 'CUSTOMERS.IMPORT_CSV', items)
    },
  }),
  route({
    ...shared,
    ...COMMON,
    method: 'post',
    path: '/v1/vouchers/importCSV',
    summary: 'Import single vouchers from a CSV file',
    description: `${VOUCHER_WORDS}Up to ${MAX_ROWS} rows. Those that cannot be imported are told of in the async action.`,
    handler: (call) => importVouchers(services, call),
  }),
  route({
    ...shared,
    ...COMMON,
    method: 'post',
    path: '/v1/campaigns/{campaignId}/importCSV',
    summary: 'Add codes that are there already to a campaign, from a CSV file',
    description: `${VOUCHER_WORDS}What a code does not say is its campaign's. Up to ${MAX_ROWS} rows.`,
    params: v.object({ campaignId: v.string() }),
    handler: (call): Promise<Outcome> | Outcome => {
      const campaign = campaignForCodes(services, call.params.campaignId)
      return 'failed' in campaign ? campaign : importVouchers(services, call, campaign)
    },
  }),
]
