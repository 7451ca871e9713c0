// Routes that ask for what goes on in the background, which with several processes is in one of them alone: where else they are called,
// the request is handed over to it.
import { ofPrimary, type Route } from '../http/route.ts'
import type { Background, Services } from '../services.ts'

/**
 * The routes that `make` declares over the background, the only way to it. `make` must not ask it for anything before a handler is called: in a worker,
 * where none of these is, there is nothing to ask.
 */
export const inBackground = (
  services: Services,
  make: (background: Background) => readonly Route[],
): readonly Route[] => ofPrimary(make(services.background ?? ({} as Background)))
