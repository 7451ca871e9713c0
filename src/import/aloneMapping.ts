// The mappings of records that are no events, and the customers that they make.
import * as v from 'valibot'
import {
  ADDRESS_TEXTS,
  Customer,
  DEFAULT_CUSTOMER_COLUMN,
  type MappingFile,
  type OwnMapping,
  PROFILE_TEXTS,
} from './mappingFile.ts'
import type { EventBody } from './mapRecord.ts'
import type { ValueType } from './values.ts'

/**
 * The mapping with which customers alone are imported: where it does not name the columns of the profile, those that are called
 * like its properties are taken (`address.city` for what is in the address, `unsubscribed` for channels opted out of; in JSON records `metadata` is the metadata).
 */
export const mappingOfCustomers = (file: MappingFile, columns: readonly string[] | undefined): OwnMapping => {
  if (typeof file.customer === 'object') return { ...file, event: 'customer' }
  const named = (column: string) => (columns === undefined || columns.includes(column) ? column : undefined)
  const texts = PROFILE_TEXTS.map((property) => [property, named(property)])
  const isText = columns !== undefined
  const address = ADDRESS_TEXTS.map((property) => [property, named(`address.${property}`)])
  const customer = { ...Object.fromEntries(texts), address: Object.fromEntries(address) }
  return {
    rest: file.metadata === undefined,
    ...(isText ? {} : { metadata_column: 'metadata' }),
    ...file,
    // What a JSON record has beside the parts of an address goes along, so that the server says what is wrong with it.
    as_is: ['unsubscribed', 'birthday', ...(isText ? [] : ['address'])].filter((name) => named(name) !== undefined),
    event: 'customer',
    customer: v.parse(Customer, { ...customer, source_id: file.customer ?? DEFAULT_CUSTOMER_COLUMN }),
  }
}

/** What a column that is called so says of a code or card; the others are its metadata. */
const CODE_COLUMNS = {
  customer: 'string',
  active: 'boolean',
  quantity: 'number',
  amount: 'number',
  points: 'number',
  start_date: 'string',
  expiration_date: 'string',
  category: 'string',
  additional_info: 'string',
} as const satisfies Readonly<Record<string, ValueType>>

/** The mapping with which codes and cards are imported: `code` names one, and is what `--customer` is for customers. */
export const mappingOfCodes = (file: MappingFile, columns: readonly string[] | undefined): MappingFile => {
  const own = Object.entries(CODE_COLUMNS).filter(([name]) => columns === undefined || columns.includes(name))
  return {
    rest: file.metadata === undefined,
    ...file,
    metadata: { ...Object.fromEntries(own), ...file.metadata },
    event: 'code',
    customer: v.parse(Customer, { source_id: typeof file.customer === 'string' ? file.customer : 'code' }),
  }
}

/** The customer whom the record of a file of customers is about, as `POST /v1/customers` takes it. */
export const customerOf = ({ customer, metadata }: EventBody): EventBody['customer'] => {
  const own = customer.metadata
  return { ...customer, metadata: { ...metadata, ...(typeof own === 'object' ? own : {}) } }
}
