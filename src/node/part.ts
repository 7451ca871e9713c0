// Which part of a node a process is: the whole of it, or, with several processes behind one port, the primary, which has the engines
// and all that goes on in the background, or one of the workers, which take requests.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EngineUrls } from '@tributary/engines'
import type { Registry } from 'prom-client'
import type { Lane } from '../readmodel/index.ts'
import type { Services } from '../services.ts'
import type { Board } from './board.ts'

/** How many commands a process has, for what stands back when there are many. */
export interface Busy {
  /** Waiting or under way. */
  readonly pending: number
  /** Ever asked. */
  readonly asked: number
  /** More wait than can be done soon. */
  readonly isCrowded: boolean
}

export interface PrimaryPart {
  readonly kind: 'primary'
  readonly board: Board
  /** The socket at which it answers what workers pass on. */
  readonly socket: string
  /** Starts the workers; resolves with the URL at which they listen, rejects when they cannot. */
  open(engines: EngineUrls): Promise<string>
  /** The read models have moved. */
  moved(lane: Lane): void
  /** An operator says that the machine's clock is right. */
  confirmed(): void
  /** What all workers together have to do. */
  busy(): Busy
  /** All is there that workers need: they go on. Resolves once each of them takes requests, rejects when they cannot. */
  begin(services: Pick<Services, 'projector' | 'voucherJobs'>): Promise<void>
  /** Whether workers are there, for `/health/ready`. */
  check(): { readonly ok: boolean } & Readonly<Record<string, unknown>>
  /** The metrics of all processes as one, in the text format. */
  scrape(own: Registry): Promise<string>
  /** Lets the workers finish what runs, and ends them. */
  stop(): Promise<void>
}

export interface WorkerPart {
  readonly kind: 'worker'
  readonly board: Board
  readonly engines: EngineUrls
  /** Its number, from 1, of so many; and where each of them is asked by the others. */
  readonly number: number
  readonly workers: number
  readonly socketOf: (number: number) => string
  /** Listens at the port. */
  listening(url: string): void
  /** Resolves once the primary has all that this process needs. */
  readonly begun: Promise<void>
  /** Calls back with the lane of the read models as it is now, and whenever it has moved. Returns how to stop being called. */
  onLane(moved: (lane: Lane) => void): () => void
  /** Somebody waits for a position. */
  askFor(position: bigint): void
  /** A job was recorded. */
  beginJob(id: string): void
  /** The clock is believed again, by what an operator said to the primary. */
  onConfirmed(listener: () => void): void
  /** To be called often. */
  report(busy: Busy): void
  /** Answers a request by the primary. */
  pass(incoming: IncomingMessage, outgoing: ServerResponse): void
}

export type Part = { readonly kind: 'whole' } | PrimaryPart | WorkerPart

export const WHOLE: Part = { kind: 'whole' }
