// Trying a distribution out: what a customer would get, with nothing sent.

import * as v from 'valibot'
import { findCustomer } from '../src/api/context.ts'
import { ById, isoOf } from '../src/api/shapes.ts'
import { type Cause, render } from '../src/delivery/render.ts'
import { isEmptyMessage } from '../src/domain/channels/index.ts'
import { subjectOf } from '../src/domain/customer/conditions.ts'
import { consentOf } from '../src/domain/customer/consents.ts'
import { newCustomer } from '../src/domain/customer/state.ts'
import { addressFault, gatesOf } from '../src/domain/distributions/react.ts'
import { errorText } from '../src/domain/errorText.ts'
import { CUSTOM_EVENT_TYPE, isInternalEventType } from '../src/domain/internalEvents.ts'
import type { Distribution } from '../src/domain/rulebook/distribution.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { answerOf } from '../src/http/answers.ts'
import { fail, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const TestBody = v.object({
  /** Who it is rendered for; nobody in particular when absent. */
  customer: v.optional(v.object({ id: v.optional(v.string()), source_id: v.optional(v.string()) })),
  /** The metadata of the event that would set it off. */
  event: v.optional(v.object({ metadata: v.optional(GivenMetadata, {}) }), {}),
  code: v.optional(v.string()),
})

type TestBody = v.InferOutput<typeof TestBody>

/** An event as the distribution waits for it, with the metadata that the caller gives. */
const sampleCause = (
  { trigger }: Distribution,
  segment: { id: string; name: string } | undefined,
  customer: string,
  metadata: Readonly<Record<string, unknown>>,
  now: number,
): Cause => {
  const name =
    trigger.type === 'event'
      ? trigger.event
      : trigger.type === 'segment_entered'
        ? 'customer.segment.entered'
        : 'customer.segment.left'
  const type = isInternalEventType(name) ? name : CUSTOM_EVENT_TYPE
  return {
    id: 'evcus_test',
    type,
    name,
    customer,
    metadata,
    data: segment
      ? { segment: { ...segment, object: 'segment' } }
      : { event: { id: 'evcus_test', object: 'event', type: name, metadata, created_at: isoOf(now) } },
    occurredAt: now,
    recordedAt: now,
    groupId: 'test',
  }
}

const tryOut = async (services: Services, call: Call<TestBody, unknown, { id: string }>): Promise<Outcome> => {
  const { id } = call.params
  const { customer: who, event, code } = call.body
  const rulebook = services.rulebook.current()
  const entry = rulebook.entries('distribution').get(id)
  if (!entry) return notFound('distribution', id)
  const name = who?.id ?? who?.source_id
  const found = name === undefined ? newCustomer('cust_test') : await findCustomer(services, name)
  if (isFailure(found)) return found
  const { definition } = entry
  const { trigger } = definition
  const named = trigger.type === 'event' ? undefined : rulebook.entries('segment').get(trigger.segment_id)
  const segment = named && { id: named.id, name: named.definition.name }
  const cause = sampleCause(definition, segment, found.id, event.metadata ?? {}, call.now)
  const context = { event: { type: cause.name, metadata: cause.metadata, occurredAt: call.now } }
  const rules = gatesOf(rulebook, id).map(({ rule, condition }) => {
    const { holds, because } = condition.evaluate(subjectOf(found), context, call.now)
    return { id: rule, holds, because }
  })
  const fault = addressFault(definition.channel.type, found.profile, {
    rule: rulebook.project.consent,
    consent: consentOf(found.consents, definition.channel.type),
  })
  try {
    const made = await render({
      message: 'msg_test',
      projectId: rulebook.project.id,
      distribution: { id, name: definition.name },
      channel: definition.channel,
      customer: { id: found.id, profile: found.profile },
      cause,
      segment,
      code,
      createdAt: call.now,
      setting: { timeZone: rulebook.project.timeZone, now: call.now },
    })
    const { channel, ...rendered } = made
    return {
      body: {
        object: 'distribution_test',
        distribution_id: id,
        channel,
        rendered,
        // The one that keeps it from being sent, where there is one.
        validation_rule: rules.find(({ holds }) => !holds) ?? rules[0] ?? null,
        would_be_skipped: fault?.reason ?? (isEmptyMessage(made) ? 'empty_text' : null),
      },
    }
  } catch (error) {
    return fail('invalid_payload', `Not rendered: ${errorText(error)}`, {
      resourceType: 'distribution',
      resourceId: id,
    })
  }
}

export const distributionQueries = (services: Services) => [
  route({
    method: 'post',
    records: false,
    path: '/v1/distributions/{id}/test',
    summary: 'Render a distribution for one customer; nothing is sent',
    tag: 'Distributions',
    permission: 'messages.write',
    params: ById,
    body: TestBody,
    response: answerOf('distribution_test', {
      distribution_id: v.string(),
      channel: v.string(),
      rendered: v.record(v.string(), v.unknown()),
      /** The rule that stands before it, and whether it holds. */
      validation_rule: v.nullable(v.unknown()),
      /** Why nothing would be sent. */
      would_be_skipped: v.nullable(v.string()),
    }),
    handler: (call) => tryOut(services, call),
  }),
]
