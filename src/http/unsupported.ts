// Names of the public contract that this server knows and does not act on everywhere: they are refused as such where nothing reads them.

/*
 * A name leaves the list when the last route that the contract gives it to reads it: a test goes through the contract's whole list.
 */
export const UNSUPPORTED: ReadonlySet<string> = new Set([
  'access_settings',
  'amount_off_formula',
  'auto_redeem',
  'balance',
  'code',
  'discount',
  'expand',
  'expiration_date',
  'fixed_amount_formula',
  'force',
  'gift',
  'holder_role',
  'initial_count',
  'is_dynamic',
  'options',
  'order',
  'percent_off_formula',
  'points_formula',
  'product_id',
  'reward',
  'session',
  'source_id',
  'starting_after',
  'subtracted_amount',
  'unit_off_formula',
  'units',
  'unset_metadata_fields',
])

/** Whether a name is the contract's, for a place where nothing reads it. */
export const isUnsupported = (name: string): boolean => UNSUPPORTED.has(name)
