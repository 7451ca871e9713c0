// Commands that look at read models: one that carries a consistency token waits until they have passed it, as every query does.
import { notYetConsistent } from '../http/errors.ts'
import type { Call, Outcome } from '../http/route.ts'
import type { Services } from '../services.ts'

/** Wraps the handler of such a command: answers 503, never a stale read, when the read models do not get there in time. */
export const fresh =
  <B, Q, P>({ projector }: Services, handler: (call: Call<B, Q, P>) => Promise<Outcome>) =>
  async (call: Call<B, Q, P>): Promise<Outcome> => {
    const { token, waitMs } = call.consistency
    if (token !== undefined && !(await projector.waitFor(token, waitMs))) return notYetConsistent(waitMs)
    return handler(call)
  }
