// The wire by itself: messages in any pieces, and bytes that are no messages.

import shared from '@eventstore/db-client/generated/shared_pb.js'
import * as grpc from '@eventstore/db-client/generated/streams_pb.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseMetadata, revivalMetadata } from '../../../src/engines/eventlog/log/metadata.ts'
import { createDeframer, framed, MAX_MESSAGE } from '../../../src/engines/eventlog/wire/framing.ts'
import { MalformedMessage, putVarint, varintSize } from '../../../src/engines/eventlog/wire/protobuf.ts'
import { readReadRequest } from '../../../src/engines/eventlog/wire/reads.ts'
import { readAppendRequest, readBatchChunk, readDeleteRequest } from '../../../src/engines/eventlog/wire/requests.ts'
import { batchSuccess } from '../../../src/engines/eventlog/wire/responses.ts'
import fc from '../../fc.ts'
import { times } from '../../soak.ts'

const test = suite('event log wire')
const numRuns = times(500, 20_000)

test('messages come out whole whatever the pieces they come in', () => {
  const message = fc.uint8Array({ maxLength: 40 })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 30 })), (messages, cuts) => {
      const stream = Buffer.concat(messages.map((one) => framed(one)))
      const found: Buffer[] = []
      const deframe = createDeframer((payload) => found.push(Buffer.from(payload)))
      let at = 0
      for (const cut of [...cuts, stream.length]) {
        assert.ok(deframe(stream.subarray(at, at + cut)).ok)
        at += cut
      }
      assert.equal(
        found.map((one) => [...one]),
        messages.map((one) => [...one]),
      )
    }),
    { numRuns },
  )
})

test('too long and compressed messages are refused before they are gathered', () => {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(MAX_MESSAGE + 1, 1)
  assert.equal(createDeframer(() => {})(header), { ok: false, why: 'too long' })
  assert.equal(createDeframer(() => {})(Buffer.from([1, 0, 0, 0, 0])), { ok: false, why: 'compressed' })
})

test('varints of any size', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const buf = Buffer.alloc(10)
      assert.is(putVarint(buf, 0, value), varintSize(value))
    }),
    { numRuns },
  )
})

test('bytes that are no message are said to be malformed, and nothing worse', () => {
  const readers = [readAppendRequest, readDeleteRequest, readReadRequest, (b: Buffer) => readBatchChunk(b, 0)]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const read of readers) {
        try {
          read(Buffer.from(bytes))
        } catch (error) {
          assert.instance(error, MalformedMessage)
        }
      }
    }),
    { numRuns },
  )
})

test('requests are read as the client writes them', () => {
  fc.assert(
    fc.property(
      fc.record({
        stream: fc.string({ unit: 'grapheme', maxLength: 40 }),
        id: fc.uuid(),
        correlation: fc.uuid(),
        type: fc.string({ unit: 'grapheme', minLength: 1 }),
        data: fc.uint8Array({ maxLength: 300 }),
        metadata: fc.uint8Array({ maxLength: 30 }),
        revision: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      }),
      ({ stream, id, correlation, type, data, metadata, revision }) => {
        const uuid = (text: string) => {
          const one = new shared.UUID()
          one.setString(text)
          return one
        }
        const identifier = new shared.StreamIdentifier()
        identifier.setStreamName(Buffer.from(stream))
        const options = new grpc.default.BatchAppendReq.Options()
        options.setStreamIdentifier(identifier)
        options.setStreamPosition(String(revision))
        const proposed = new grpc.default.BatchAppendReq.ProposedMessage()
        proposed.setId(uuid(id))
        proposed.getMetadataMap().set('type', type).set('content-type', 'application/json')
        proposed.setData(data)
        proposed.setCustomMetadata(metadata)
        const request = new grpc.default.BatchAppendReq()
        request.setCorrelationId(uuid(correlation))
        request.setOptions(options)
        request.addProposedMessages(proposed)
        request.setIsFinal(true)
        const chunk = readBatchChunk(Buffer.from(request.serializeBinary()), 0)
        assert.is(chunk.correlation, correlation)
        assert.is(chunk.isFinal, true)
        assert.is(chunk.options?.stream, Buffer.from(stream).toString())
        assert.is(chunk.options?.expected, revision)
        const [event] = chunk.events
        assert.is(event?.type, Buffer.from(type).toString())
        assert.ok(event!.data.equals(data) && event!.metadata.equals(metadata))
        const answer = batchSuccess(chunk.correlationBytes, stream, {
          revision: Number(revision % 2n ** 50n),
          position: 77,
        })
        const read = grpc.default.BatchAppendResp.deserializeBinary(answer.subarray(5))
        assert.is(read.getCorrelationId()?.getString(), correlation)
        assert.is(read.getSuccess()?.getCurrentRevision(), String(revision % 2n ** 50n))
        assert.is(Buffer.from(read.getStreamIdentifier()!.getStreamName_asU8()).toString(), chunk.options!.stream)
      },
    ),
    { numRuns, includeErrorInReport: true },
  )
})

test('metadata: what counts, what is void, and what brings a stream back', () => {
  const parse = (text: string) => parseMetadata(Buffer.from(text))
  assert.is(parse('{"$tb":9223372036854775807}').softDeleted, true)
  assert.is(parse('{ "$tb" : 9223372036854775807 , "a":1}').softDeleted, true)
  assert.is(parse('{"$tb":922337203685477580}').softDeleted, false)
  assert.is(parse('{"$tb":922337203685477580}').truncateBefore, 922337203685477600)
  assert.is(parse('{"$maxAge":3}').maxAgeMs, 3_000)
  for (const text of ['{"$maxCount":1.5,"$tb":3}', '{"$maxCount":2,"$tb":-1}', 'no json', '[]', '5', 'null', '']) {
    assert.equal(parse(text), parse('{}'))
  }
  assert.is(String(revivalMetadata(Buffer.from('{"$tb":9223372036854775807,"a":1}'), 4)), '{"$tb":4,"a":1}')
  assert.is(revivalMetadata(Buffer.from('[1]'), 4), undefined)
})

test.run()
