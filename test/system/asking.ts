// Asking a node as its admin, where the answer is to be yes, and names that are given once.
import * as assert from 'uvu/assert'
import type { Answer, TestNode } from './node.ts'

export interface Asking {
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** The body of an answer that says yes; any other fails the test. */
  ok(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer['body']>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer['body']>
}

/** `node` is asked for with each question: tests start it after this. */
export const asking = (node: () => TestNode): Asking => {
  const ok: Asking['ok'] = async (method, path, body, headers) => {
    const answer = await node().call(method, path, body, { as: 'admin', headers })
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  return {
    ask: (method, path, body) => node().call(method, path, body, { as: 'admin' }),
    ok,
    post: (path, body = {}, headers) => ok('POST', path, body, headers),
  }
}

let names = 0
/** A name that nothing else in the process has. */
export const fresh = (prefix: string): string => `${prefix}-${++names}`
