// What is said over the call of appends is, byte for byte, what the client itself would say, and every answer to it is understood.
import { createRequire } from 'node:module'
import type * as Shared from '@eventstore/db-client/generated/shared_pb.js'
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { appendMessage, correlationOf, readAnswer } from '../../src/eventstore/appendMessages.ts'
import { checkAppend } from '../../src/eventstore/refuse.ts'
import type { ExpectedRevision } from '../../src/eventstore/types.ts'
import { noted } from '../projector/facts.ts'

const load = createRequire(import.meta.url)
const streams: typeof Streams = load('@eventstore/db-client/generated/streams_pb.js')
const shared: typeof Shared = load('@eventstore/db-client/generated/shared_pb.js')
const { Timestamp } = load('google-protobuf/google/protobuf/timestamp_pb.js')
const { Any } = load('google-protobuf/google/protobuf/any_pb.js')
const { Status } = load('@eventstore/db-client/generated/status_pb.js')

const { facts } = checkAppend('s', [
  noted('plain'),
  { ...noted('of other letters: ünï ✓ 😀 \ud800'), metadata: { $correlationId: 'größer' } },
  { ...noted('x'.repeat(70_000)), type: 'A' },
])

const textUuid = (text: string) => {
  const uuid = new shared.UUID()
  uuid.setString(text)
  return uuid
}
const identifier = (stream: string) => {
  const name = new shared.StreamIdentifier()
  name.setStreamName(Buffer.from(stream).toString('base64'))
  return name
}

const theirs = (stream: string, expected: ExpectedRevision, deadline: number): Buffer => {
  const options = new streams.BatchAppendReq.Options()
  options.setStreamIdentifier(identifier(stream))
  options.setDeadline(Timestamp.fromDate(new Date(deadline)))
  if (expected === 'any') options.setAny(new shared.Empty())
  else if (expected === 'no_stream') options.setNoStream(new shared.Empty())
  else if (expected === 'stream_exists') options.setStreamExists(new shared.Empty())
  else options.setStreamPosition(expected.toString(10))
  const request = new streams.BatchAppendReq()
  request.setOptions(options)
  request.setCorrelationId(textUuid(correlationOf(7)))
  request.setIsFinal(true)
  for (const { id, type, data, metadata } of facts) {
    const message = new streams.BatchAppendReq.ProposedMessage()
    message.setId(textUuid(id))
    message.getMetadataMap().set('type', type)
    message.getMetadataMap().set('content-type', 'application/json')
    message.setData(Buffer.from(data))
    message.setCustomMetadata(Buffer.from(metadata))
    request.addProposedMessages(message)
  }
  return Buffer.from(request.serializeBinary())
}

test('an append is the message that the client makes', () => {
  for (const expected of [
    'any',
    'no_stream',
    'stream_exists',
    0n,
    127n,
    128n,
    300_000n,
    2n ** 53n + 1n,
    2n ** 62n,
  ] as const)
    for (const deadline of [1_764_516_000_000, 1_764_516_000_123])
      for (const stream of ['s', `customer-${'é'.repeat(90)}`]) {
        const ours = appendMessage(correlationOf(7), stream, facts, expected, deadline)
        assert.ok(ours.equals(theirs(stream, expected, deadline)), `${stream.length} ${expected} ${deadline}`)
      }
})

type Response = Streams.BatchAppendResp
const answerTo = (number: number, fill: (response: Response) => void, id = textUuid(correlationOf(number))): Buffer => {
  const response = new streams.BatchAppendResp()
  response.setCorrelationId(id)
  response.setStreamIdentifier(identifier('s'))
  fill(response)
  return Buffer.from(response.serializeBinary())
}

const structured = (number: number) => {
  const halves = new shared.UUID.Structured()
  const hex = correlationOf(number).replaceAll('-', '')
  halves.setMostSignificantBits(String(BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 16)}`))))
  halves.setLeastSignificantBits(String(BigInt.asIntN(64, BigInt(`0x${hex.slice(16)}`))))
  const uuid = new shared.UUID()
  uuid.setStructured(halves)
  return uuid
}

test('a success says where the append stands, by a number that comes back in either form', () => {
  for (const number of [1, 200, 2 ** 32 + 5, 2 ** 47])
    for (const id of [textUuid(correlationOf(number)), structured(number)])
      for (const at of [undefined, 0n, 127n, 2n ** 40n, 2n ** 53n + 1n, 2n ** 63n + 9n]) {
        const bytes = answerTo(
          number,
          (response) => {
            const success = new streams.BatchAppendResp.Success()
            success.setCurrentRevision(String(at ?? 3n))
            const position = new shared.AllStreamPosition()
            position.setCommitPosition(String(at))
            position.setPreparePosition(String(at))
            if (at === undefined) success.setNoPosition(new shared.Empty())
            else success.setPosition(position)
            response.setSuccess(success)
          },
          id,
        )
        assert.equal(readAnswer(bytes), { number, answer: { kind: 'appended', revision: at ?? 3n, position: at } })
      }
})

const failure = (type: string, details: { serializeBinary(): Uint8Array }): Buffer =>
  answerTo(2, (response) => {
    const status = new Status()
    status.setCode(6)
    status.setMessage(`${type} it is`)
    const any = new Any()
    any.pack(details.serializeBinary(), `event_store.client.${type}`)
    status.setDetails(any)
    response.setError(status)
  })

test('a failure has the type that errors of the client have', () => {
  const conflict = new shared.WrongExpectedVersion()
  conflict.setCurrentStreamRevision('41')
  conflict.setExpectedStreamPosition('7')
  const nowhere = new shared.WrongExpectedVersion()
  nowhere.setCurrentNoStream(new shared.Empty())
  const size = new shared.MaximumAppendSizeExceeded()
  size.setMaxappendsize(1_024)
  for (const [name, details, type, actualVersion] of [
    ['WrongExpectedVersion', conflict, 'wrong-expected-version', 41n],
    ['WrongExpectedVersion', nowhere, 'wrong-expected-version', undefined],
    ['StreamDeleted', new shared.StreamDeleted(), 'stream-deleted', undefined],
    ['AccessDenied', new shared.AccessDenied(), 'access-denied', undefined],
    ['Timeout', new shared.Timeout(), 'deadline-exceeded', undefined],
    ['MaximumAppendSizeExceeded', size, 'maximum-append-size-exceeded', undefined],
    ['Unknown', new shared.Unknown(), 'unknown', undefined],
    ['SomethingNew', new shared.Empty(), 'unknown', undefined],
  ] as const)
    assert.equal(readAnswer(failure(name, details)), {
      number: 2,
      answer: { kind: 'failed', type, message: `${name} it is`, actualVersion },
    })
})

test('what is no answer is told, wherever it is cut off', () => {
  const whole = failure('StreamDeleted', new shared.StreamDeleted())
  let told = 0
  for (let length = 0; length < whole.length; length++)
    try {
      readAnswer(whole.subarray(0, length))
    } catch (error) {
      assert.match(error instanceof Error ? error.message : '', /answer to an append/)
      told++
    }
  // Without its last field, the stream, it is one.
  assert.ok(told >= whole.length - 6, `${told} of ${whole.length}`)
})

test.run()
