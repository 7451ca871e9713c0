// Requests that are dealt with in the background, item by item: taken up, and answered at once with the job's id.
import { randomBytes } from 'node:crypto'
import { contextOf } from '../src/api/context.ts'
import { idFrom } from '../src/domain/ids.ts'
import type { JobType } from '../src/domain/vouchers/job.ts'
import { fail } from '../src/http/errors.ts'
import type { Call, Outcome } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

/** The contract's bound on the body of bulk requests, bytes. */
export const BULK_BODY = 10 * 1024 * 1024

/** Takes up what a request lists; asked again under its key, it is the same job. */
export const acceptItems = async (
  services: Services,
  call: Call<unknown, unknown, unknown>,
  type: JobType,
  items: readonly unknown[],
  status = 202,
): Promise<Outcome> => {
  if (items.length === 0) return fail('invalid_payload', 'Payload must NOT have fewer than 1 items')
  const context = contextOf(call, services)
  const id = idFrom('aa', context.key ?? randomBytes(16).toString('hex'))
  const position = await services.voucherJobs.requestUploaded({ id, type, count: items.length }, items, context)
  services.voucherJobs.begin(id)
  return { status, body: { async_action_id: id }, consistencyToken: position }
}
