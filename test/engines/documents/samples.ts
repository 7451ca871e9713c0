// Values of every BSON type, valid commands to put them into, and what no answer may be.
import { BSON, type Document } from 'mongodb'

const { Binary, BSONRegExp, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } = BSON

/** Values with those at an edge of their type, by the server's name of the type. */
export const VALUES: readonly (readonly [string, unknown])[] = [
  ['double', new Double(1.5)],
  ['double', new Double(-1)],
  ['double', new Double(Number.NaN)],
  ['double', new Double(Number.POSITIVE_INFINITY)],
  ['string', ''],
  ['string', 'text'],
  ['string', '$v'],
  ['object', {}],
  ['object', { a: 1 }],
  ['object', { $gt: 1 }],
  ['array', []],
  ['array', [1, 'a', null]],
  ['array', [{ a: 1 }]],
  ['binData', new Binary(Buffer.from('x'))],
  ['objectId', new ObjectId('0123456789abcdef01234567')],
  ['bool', true],
  ['bool', false],
  ['date', new Date(0)],
  ['null', null],
  ['regex', new BSONRegExp('x', 'i')],
  ['javascript', new Code('x')],
  ['int', new Int32(0)],
  ['int', new Int32(2)],
  ['int', new Int32(-2147483648)],
  ['timestamp', new Timestamp({ t: 1, i: 1 })],
  ['long', Long.MAX_VALUE],
  ['long', Long.fromNumber(-1)],
  ['decimal', Decimal128.fromString('2.5')],
  ['decimal', Decimal128.fromString('NaN')],
  ['minKey', new MinKey()],
  ['maxKey', new MaxKey()],
]

/** A valid form of each command, to which options are added. */
export const VALID: Readonly<Record<string, Document>> = {
  insert: { insert: 'c', documents: [{}] },
  update: { update: 'c', updates: [{ q: {}, u: { $set: { a: 1 } } }] },
  delete: { delete: 'c', deletes: [{ q: { no: 1 }, limit: 1 }] },
  bulkWrite: {
    bulkWrite: 1,
    ops: [{ delete: 0, filter: { no: 1 } }],
    nsInfo: [{ ns: 'schema.c' }],
    $db: 'admin',
  },
  findAndModify: { findAndModify: 'c', query: {}, update: { $set: { a: 1 } } },
  find: { find: 'c' },
  getMore: { getMore: BSON.Long.fromNumber(77), collection: 'c' },
  killCursors: { killCursors: 'c', cursors: [BSON.Long.fromNumber(77)] },
  aggregate: { aggregate: 'c', pipeline: [], cursor: {} },
  distinct: { distinct: 'c', key: 'a' },
  count: { count: 'c' },
  explain: { explain: { find: 'c' }, verbosity: 'queryPlanner' },
  create: { create: 'made' },
  drop: { drop: 'made' },
  dropDatabase: { dropDatabase: 1, $db: 'schema-other' },
  renameCollection: { renameCollection: 'schema.no', to: 'schema.yes', $db: 'admin' },
  listCollections: { listCollections: 1 },
  listDatabases: { listDatabases: 1, $db: 'admin' },
  collStats: { collStats: 'c' },
  dbStats: { dbStats: 1 },
  validate: { validate: 'c' },
  createIndexes: { createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a_1' }] },
  dropIndexes: { dropIndexes: 'c', index: 'no' },
  listIndexes: { listIndexes: 'c' },
  startSession: { startSession: 1 },
  refreshSessions: { refreshSessions: [] },
}

/** What commands about the server and its sessions look at, which take options of any name beside it. */
export const LOOKED_AT: Readonly<Record<string, readonly string[]>> = {
  commitTransaction: [],
  abortTransaction: [],
  endSessions: [],
  killSessions: [],
  killAllSessions: [],
  killAllSessionsByPattern: [],
  saslStart: ['mechanism', 'payload', 'options', 'db', 'autoAuthorize'],
  saslContinue: ['conversationId', 'payload'],
  logout: [],
  hello: ['client', 'compression', 'saslSupportedMechs', 'speculativeAuthenticate', 'topologyVersion', 'loadBalanced'],
  ping: [],
  buildInfo: [],
  getParameter: ['featureCompatibilityVersion', 'allParameters', 'noSuchParameter'],
  getCmdLineOpts: [],
  getLog: [],
  connectionStatus: ['showPrivileges'],
  whatsmyuri: [],
  serverStatus: ['repl', 'metrics', 'locks', 'mirroredReads', 'noSuchSection'],
  hostInfo: [],
  replSetGetStatus: ['initialSync'],
  replSetGetConfig: ['commitmentStatus', 'includeStats'],
  getFreeMonitoringStatus: [],
  getDefaultRWConcern: ['inMemory'],
  profile: ['slowms', 'sampleRate', 'filter'],
  usersInfo: ['showCredentials', 'showPrivileges', 'showCustomData', 'filter'],
  rolesInfo: ['showPrivileges', 'showBuiltinRoles'],
  currentOp: ['$all', '$ownOps', 'active', 'op'],
  fsync: ['lock', 'fsyncLockAcquisitionTimeoutMillis'],
  listCommands: [],
}

const INTERNAL = new Set([1, 8])
const JAVASCRIPT = /is not a function|Cannot read|undefined|\[object [A-Z]|is not iterable|Cannot convert|Cannot mix/

/** Whether an answer is an error of the server's own making. */
export const isUnsound = ({ ok, code, errmsg }: Document): boolean =>
  ok !== 1 && (INTERNAL.has(code) || JAVASCRIPT.test(errmsg))
