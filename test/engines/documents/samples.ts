// Values of every BSON type, with those that are at an edge of it.
import { BSON } from 'mongodb'

const { Binary, BSONRegExp, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } = BSON

/** By the server's name of the type. */
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
