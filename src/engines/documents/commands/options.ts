// The options of every command: one table each. What is not in a command's table is refused before anything is done.
import { CommandError } from '../errors.ts'
import type { Doc } from '../values.ts'
import { isDoc } from '../values.ts'
import { checkOptions, type Option, type OptionType, type Table } from './schema.ts'

type More = Omit<Option, 'type' | 'use'>

const served = (type: OptionType, more: More = {}): Option => ({ type, use: 'served', ...more })
const ignored = (type: OptionType, more: More = {}): Option => ({ type, use: 'ignored', ...more })
const refused = (type: OptionType): Option => ({ type, use: 'refused' })
const required = (type: OptionType, more: More = {}): Option => ({ type, use: 'served', required: true, ...more })

type Options = Readonly<Record<string, Option>>

/** A table that refuses what it does not have. */
export const strict = (options: Options, unknownCode = 40415): Table => ({
  options: new Map(Object.entries(options)),
  unknownCode,
})

/** A table of a command of which the server takes any options. */
export const open = (options: Options = {}): Table => ({
  options: new Map(Object.entries(options)),
  unknownCode: undefined,
})

const collation = served('collation')
const hint = served('objectOrString', { typeCode: 9 })
const size = served('whole', { least: 0 })
const cursor = served('object', { fields: strict({ batchSize: size }) })
const flag = served('bool')
const ignoredFlag = ignored('bool')
const object = served('object')

/** What every command may have. */
export const COMMON: Table = strict({
  $db: served('string'),
  lsid: served('object', {
    fields: open({ id: served('any', { required: true }) }),
  }),
  txnNumber: served('long'),
  startTransaction: served('strictBool'),
  autocommit: served('strictBool'),
  $clusterTime: served('object', {
    fields: open({ clusterTime: required('timestamp'), signature: ignored('object') }),
  }),
  $readPreference: ignored('object', {
    fields: open({
      mode: ignored('string', {
        oneOf: ['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'],
        oneOfCode: 9,
      }),
      tags: ignored('objects'),
      maxStalenessSeconds: ignored('number'),
      hedge: ignored('object'),
    }),
  }),
  readConcern: served('object', {
    fields: strict({
      level: served('string', {
        oneOf: ['local', 'available', 'majority', 'linearizable', 'snapshot'],
        oneOfCode: 9,
      }),
      afterClusterTime: served('timestamp'),
      atClusterTime: refused('timestamp'),
      provenance: ignored('string'),
    }),
  }),
  writeConcern: served('object', {
    fields: strict(
      {
        w: served('concernNumber', { typeCode: 9 }),
        j: ignoredFlag,
        fsync: ignoredFlag,
        wtimeout: ignored('number', { typeCode: 9 }),
        provenance: ignored('string'),
      },
      9,
    ),
  }),
  maxTimeMS: served('whole', { typeCode: 2, least: 0, most: 2147483647, boundCode: 2 }),
  comment: ignored('any'),
  apiVersion: served('string'),
  apiStrict: served('strictBool'),
  apiDeprecationErrors: ignored('strictBool'),
  $client: ignored('any'),
  $configServerState: ignored('any'),
  $queryOptions: ignored('any'),
  help: ignored('any'),
  maxTimeMSOpOnly: ignored('whole', { typeCode: 2, least: 0, boundCode: 2 }),
  mayBypassWriteBlocking: ignoredFlag,
  stmtId: served('whole', { least: 0 }),
  stmtIds: served('wholes'),
})

export const UPDATE_STATEMENT: Table = strict({
  q: required('object'),
  u: served('raw', { required: true }),
  upsert: flag,
  multi: flag,
  arrayFilters: served('objects'),
  collation,
  hint,
  c: refused('object'),
})

export const DELETE_STATEMENT: Table = strict({
  q: required('object'),
  limit: required('whole', { least: 0, most: 1, boundCode: 9 }),
  collation,
  hint,
})

/** What the operations of a bulkWrite have, by their first field, which says what kind each is of. */
export const BULK_OPERATIONS = {
  insert: strict({ insert: required('whole', { least: 0, boundCode: 2 }), document: required('object') }),
  update: strict({
    update: required('whole', { least: 0, boundCode: 2 }),
    filter: required('object'),
    updateMods: served('raw', { required: true }),
    upsert: flag,
    multi: flag,
    arrayFilters: served('objects'),
    collation,
    hint,
    constants: refused('object'),
  }),
  delete: strict({
    delete: required('whole', { least: 0, boundCode: 2 }),
    filter: required('object'),
    multi: flag,
    collation,
    hint,
  }),
} as const

export const BULK_NAMESPACE: Table = strict({
  ns: required('string'),
  collectionUUID: refused('any'),
  encryptionInformation: refused('object'),
})

const bulkWrite = strict({
  ops: required('raw'),
  nsInfo: required('raw'),
  ordered: flag,
  errorsOnly: flag,
  bypassDocumentValidation: ignoredFlag,
  let: object,
  cursor,
})

const insert = strict({ documents: required('raw'), ordered: flag, bypassDocumentValidation: ignoredFlag })

const update = strict({
  updates: required('raw'),
  ordered: flag,
  bypassDocumentValidation: ignoredFlag,
  let: object,
})

const remove = strict({ deletes: required('raw'), ordered: flag, let: object })

const findAndModify = strict({
  query: object,
  sort: object,
  remove: flag,
  update: served('objectOrArray', { typeCode: 9 }),
  new: flag,
  fields: object,
  upsert: flag,
  bypassDocumentValidation: ignoredFlag,
  collation,
  arrayFilters: served('objects'),
  hint,
  let: object,
})

/** The recorded server answers an unknown field of a find as one that cannot be parsed. */
const find = strict(
  {
    filter: object,
    sort: object,
    projection: object,
    hint,
    skip: size,
    limit: served('whole'),
    batchSize: size,
    singleBatch: flag,
    max: object,
    min: object,
    returnKey: flag,
    showRecordId: refused('bool'),
    tailable: refused('bool'),
    awaitData: refused('bool'),
    oplogReplay: ignoredFlag,
    noCursorTimeout: flag,
    allowPartialResults: ignoredFlag,
    collation,
    allowDiskUse: ignoredFlag,
    let: object,
  },
  9,
)

const getMore = strict({
  collection: required('string'),
  batchSize: size,
  term: ignored('long'),
  lastKnownCommittedOpTime: ignored('object'),
})

const count = strict({ query: object, limit: served('whole'), skip: size, hint, collation, fields: ignored('any') })

const distinct = strict({ key: required('string'), query: object, collation, hint })

const aggregate = strict({
  pipeline: required('objects'),
  cursor,
  explain: flag,
  allowDiskUse: ignoredFlag,
  bypassDocumentValidation: ignoredFlag,
  collation,
  hint,
  let: object,
  fromMongos: refused('bool'),
  needsMerge: refused('bool'),
  exchange: refused('object'),
})

const explain = strict({
  verbosity: served('string', { oneOf: ['queryPlanner', 'executionStats', 'allPlansExecution'] }),
})

const create = strict({
  capped: refused('bool'),
  autoIndexId: ignoredFlag,
  size: refused('number'),
  max: refused('number'),
  storageEngine: ignored('object'),
  validator: refused('object'),
  validationLevel: refused('string'),
  validationAction: refused('string'),
  indexOptionDefaults: ignored('object'),
  viewOn: refused('string'),
  pipeline: refused('objects'),
  collation,
  timeseries: refused('object'),
  expireAfterSeconds: refused('any'),
  clusteredIndex: refused('any'),
  changeStreamPreAndPostImages: refused('object'),
  encryptedFields: refused('object'),
  temp: ignoredFlag,
  flags: ignored('number'),
  idIndex: ignored('object'),
})

const listCollections = strict({ filter: object, nameOnly: flag, authorizedCollections: ignoredFlag, cursor })
const listDatabases = strict({ filter: object, nameOnly: flag, authorizedDatabases: ignoredFlag })
const listIndexes = strict({ cursor, includeBuildUUIDs: ignoredFlag, includeIndexBuildInfo: ignoredFlag })

const createIndexes = strict({
  indexes: required('objects'),
  commitQuorum: ignored('any'),
  ignoreUnknownIndexOptions: flag,
})

const scale = served('whole', { least: 1 })

const validate = strict({
  full: flag,
  background: ignoredFlag,
  metadata: flag,
  checkBSONConformance: ignoredFlag,
  enforceFastCount: ignoredFlag,
  repair: refused('bool'),
  fixMultikey: refused('bool'),
})

const ending = strict({ recoveryToken: ignored('any') })
const nothing = strict({})

const hello = open({
  topologyVersion: served('object', {
    fields: strict({ processId: required('any'), counter: required('long', { least: 0, boundCode: 31372 }) }),
  }),
  maxAwaitTimeMS: served('whole', { least: 0, most: 2147483647 }),
})

/** By the command's name. */
export const OPTIONS: ReadonlyMap<string, Table> = new Map(
  Object.entries({
    insert,
    update,
    delete: remove,
    bulkWrite,
    findAndModify,
    findandmodify: findAndModify,
    find,
    getMore,
    killCursors: strict({ cursors: required('longs') }),
    aggregate,
    distinct,
    count,
    explain,
    create,
    drop: nothing,
    dropDatabase: nothing,
    renameCollection: strict({ to: required('string'), dropTarget: flag, stayTemp: ignoredFlag }),
    listCollections,
    listDatabases,
    collStats: strict({ scale, verbose: ignoredFlag }),
    collstats: strict({ scale, verbose: ignoredFlag }),
    dbStats: strict({ scale, freeStorage: served('whole') }),
    dbstats: strict({ scale, freeStorage: served('whole') }),
    validate,
    createIndexes,
    dropIndexes: strict({ index: required('names') }),
    deleteIndexes: strict({ index: required('names') }),
    listIndexes,
    commitTransaction: ending,
    abortTransaction: ending,
    startSession: nothing,
    endSessions: nothing,
    killSessions: nothing,
    killAllSessions: nothing,
    killAllSessionsByPattern: nothing,
    refreshSessions: nothing,
    hello,
    isMaster: hello,
    ismaster: hello,
  }),
)

/** Of commands that ask about the server itself, which takes whatever options they come with. */
const ANY = open()

export const optionsOf = (command: string): Table => OPTIONS.get(command) ?? ANY

/** Documents that may come beside the command instead of in it. */
const checkSequences = (name: string, body: Doc, sequences: ReadonlyMap<string, unknown>, table: Table): void => {
  for (const field of sequences.keys()) {
    if (table.options.get(field)?.type !== 'raw')
      throw new CommandError(40415, `BSON field '${name}.${field}' is an unknown field.`)
    if (body.has(field)) throw new CommandError(40413, `BSON field '${name}.${field}' is a duplicate field`)
  }
}

/** Checks a command against its table, before anything else is done with it; what `explain` is about against its own. */
export const checkCommand = (name: string, body: Doc, sequences: ReadonlyMap<string, unknown>): void => {
  const table = optionsOf(name)
  checkOptions(name, table, body, name, COMMON)
  if (sequences.size > 0) checkSequences(name, body, sequences, table)
  const explained = name === 'explain' ? body.get(name) : undefined
  if (!isDoc(explained)) return
  const inner = explained.keys().next().value ?? ''
  checkOptions(inner, optionsOf(inner), explained, inner, COMMON)
}
