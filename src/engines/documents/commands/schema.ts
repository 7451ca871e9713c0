// The document of a command as a schema: which options it has, of what type and within what bounds, and what becomes of them.
import { CommandError, notImplemented } from '../errors.ts'
import { asLong, toDouble } from '../numbers.ts'
import {
  type Doc,
  isArray,
  isDoc,
  isNumber,
  LONG,
  type MutableDoc,
  TIMESTAMP,
  typeNameOf,
  typeOf,
  type Value,
} from '../values.ts'

/** Types of options. `bool` takes numbers as well, as the server does; `raw` is read from the bytes when its turn comes. */
export type OptionType = keyof typeof TESTS | 'any' | 'raw'

export interface Option {
  readonly type: OptionType
  /** `served`; `ignored` as it makes no difference here; `refused` by name unless its value asks for nothing. */
  readonly use: 'served' | 'ignored' | 'refused'
  readonly required?: boolean
  /** Bounds of a number, and the code of one that is outside. */
  readonly least?: number
  readonly most?: number
  readonly boundCode?: number
  /** Code of a value of a wrong type where it is not 14. */
  readonly typeCode?: number
  /** The only texts that it may be, with the code of another. */
  readonly oneOf?: readonly string[]
  readonly oneOfCode?: number
  /** The options inside of it. */
  readonly fields?: Table
}

export interface Table {
  readonly options: ReadonlyMap<string, Option>
  /** Code of an option that is not in the table; `undefined` for commands of which the server takes any. */
  readonly unknownCode: number | undefined
}

const isWhole = (value: Value): boolean => isNumber(value)
const isDocs = (value: Value): boolean => isArray(value) && value.every(isDoc)

const TESTS = {
  bool: (value: Value) => typeof value === 'boolean' || isNumber(value),
  strictBool: (value: Value) => typeof value === 'boolean',
  string: (value: Value) => typeof value === 'string',
  object: (value: Value) => isDoc(value),
  objects: isDocs,
  array: isArray,
  long: (value: Value) => typeOf(value) === LONG,
  longs: (value: Value) => isArray(value) && value.every((item) => typeOf(item) === LONG),
  whole: isWhole,
  number: isWhole,
  wholes: (value: Value) => isArray(value) && value.every((item) => isNumber(item) && asLong(item) !== undefined),
  timestamp: (value: Value) => typeOf(value) === TIMESTAMP,
  objectOrString: (value: Value) => isDoc(value) || typeof value === 'string',
  objectOrArray: (value: Value) => isDoc(value) || isArray(value),
  names: (value: Value) =>
    isDoc(value) || typeof value === 'string' || (isArray(value) && value.every((item) => typeof item === 'string')),
  concernNumber: (value: Value) => isNumber(value) || typeof value === 'string' || isDoc(value),
  collation: (value: Value) => isDoc(value),
} as const

const EXPECTED: Readonly<Record<keyof typeof TESTS, string>> = {
  bool: "types '[bool, long, int, decimal, double]'",
  strictBool: "type 'bool'",
  string: "type 'string'",
  object: "type 'object'",
  objects: "an array of type 'object'",
  array: "type 'array'",
  long: "type 'long'",
  longs: "an array of type 'long'",
  whole: "types '[long, int, decimal, double]'",
  number: "types '[long, int, decimal, double]'",
  wholes: "an array of type 'int'",
  timestamp: "type 'timestamp'",
  objectOrString: "types '[object, string]'",
  objectOrArray: "types '[object, array]'",
  names: "types '[string, object, array]'",
  concernNumber: "types '[int, string, object]'",
  collation: "type 'object'",
}

/** Whether a value of an option asks for nothing. */
const isNeutral = (value: Value): boolean =>
  value === false || (isDoc(value) && value.size === 0) || (isNumber(value) && toDouble(value) === 0)

/** Only the order of bytes is served. */
const refuseCollation = (collation: Doc): void => {
  if (collation.size > 0 && collation.get('locale') !== 'simple') throw notImplemented('a collation')
}

const checkBounds = (path: string, { least, most, boundCode = 51024 }: Option, value: Value): void => {
  const number = toDouble(value as number)
  if (least !== undefined && !(number >= least))
    throw new CommandError(boundCode, `BSON field '${path}' value must be >= ${least}, actual value '${value}'`)
  if (most !== undefined && !(number <= most))
    throw new CommandError(boundCode, `BSON field '${path}' value must be <= ${most}, actual value '${value}'`)
}

const checkValue = (path: string, option: Option, value: Value): void => {
  const { type } = option
  if (type === 'any' || type === 'raw') {
    if (option.use === 'refused' && !isNeutral(value)) throw notImplemented(`the option "${path}"`)
    return
  }
  if (!TESTS[type](value)) {
    const found = `BSON field '${path}' is the wrong type '${typeNameOf(value)}', expected ${EXPECTED[type]}`
    throw new CommandError(option.typeCode ?? 14, found)
  }
  if (type === 'collation') refuseCollation(value as Doc)
  if (option.use === 'refused' && !isNeutral(value)) throw notImplemented(`the option "${path}"`)
  if (type === 'whole' && asLong(value as number) === undefined)
    throw new CommandError(option.typeCode ?? 9, `BSON field '${path}' must be a whole number, actual value '${value}'`)
  if (option.least !== undefined || option.most !== undefined) checkBounds(path, option, value)
  if (option.oneOf && !option.oneOf.includes(value as string))
    throw new CommandError(
      option.oneOfCode ?? 2,
      `Enumeration value '${value}' for field '${path}' is not a valid value.`,
    )
  if (option.fields) checkOptions(path, option.fields, value as Doc)
}

/** An option given as null is an option not given; types that take any value keep it. */
const isAbsent = (option: Option, value: Value): boolean => value === null && option.type !== 'any'

/**
 * Checks a document against its table, and one for fields that every such document may have; `own` is the name of a field that
 * is no option. Takes out what is null. Throws, by the field's path: 40415 (or the table's own code) for what is unknown,
 * 40414 for what is missing, 14 for a wrong type, the option's own code for a value out of bounds, 238 for what is left out.
 */
export const checkOptions = (path: string, table: Table, doc: Doc, own?: string, common?: Table): void => {
  for (const [name, value] of doc) {
    if (name === own) continue
    const option = table.options.get(name) ?? common?.options.get(name)
    if (option === undefined) {
      if (table.unknownCode === undefined) continue
      throw new CommandError(table.unknownCode, `BSON field '${path}.${name}' is an unknown field.`)
    }
    if (isAbsent(option, value)) (doc as MutableDoc).delete(name)
    else checkValue(`${path}.${name}`, option, value)
  }
  for (const [name, { required, type }] of table.options)
    if (required && type !== 'raw' && !doc.has(name))
      throw new CommandError(40414, `BSON field '${path}.${name}' is missing but a required field`)
}
