// Purchases of real households: the sample beside this file, or the whole set named by PURCHASES_CSV and PRODUCTS_CSV.
import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import * as v from 'valibot'

export interface Purchase {
  readonly household: string
  readonly at: number
  readonly department: string
  /** Cents. */
  readonly amount: number
  readonly coupon: number
}

const cents = v.pipe(
  v.string(),
  v.transform((text) => Math.round(Number(text) * 100)),
  v.number(),
  v.integer(),
)
const Row = v.object({
  household_id: v.string(),
  product_id: v.string(),
  department: v.optional(v.string()),
  sales_value: cents,
  coupon_disc: cents,
  transaction_timestamp: v.string(),
})

const rowsOf = (file: string | URL): unknown[] => parse(readFileSync(file), { columns: true })

/** All purchases in the order of time. */
export const purchases = (): readonly Purchase[] => {
  const { PURCHASES_CSV, PRODUCTS_CSV } = process.env
  const departments = new Map(
    PRODUCTS_CSV === undefined
      ? []
      : rowsOf(PRODUCTS_CSV).map((row) => {
          const { product_id, department } = v.parse(v.object({ product_id: v.string(), department: v.string() }), row)
          return [product_id, department] as const
        }),
  )
  return rowsOf(PURCHASES_CSV ?? new URL('./purchases.csv', import.meta.url))
    .map((row) => {
      const r = v.parse(Row, row)
      return {
        household: r.household_id,
        at: Date.parse(r.transaction_timestamp),
        department: r.department ?? departments.get(r.product_id) ?? '',
        amount: r.sales_value,
        coupon: r.coupon_disc,
      }
    })
    .sort((a, b) => a.at - b.at)
}

/** The purchases of each household, in the order of time. */
export const byHousehold = (all: readonly Purchase[]): ReadonlyMap<string, readonly Purchase[]> => {
  const households = new Map<string, Purchase[]>()
  for (const purchase of all) {
    const list = households.get(purchase.household)
    if (list) list.push(purchase)
    else households.set(purchase.household, [purchase])
  }
  return households
}
