// A customer's token as a shop's server makes it: the lines of the README, so that they are known to work.
import { createHmac } from 'node:crypto'
import type { GeneratedKey } from '../../src/keys.ts'

export const tokenOf = (
  { customerSecret }: Pick<GeneratedKey, 'customerSecret'>,
  sourceId: string,
  seconds = 900,
): string => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const said = `${part({ alg: 'HS256' })}.${part({ sub: sourceId, exp: Math.floor(Date.now() / 1000) + seconds })}`
  return `${said}.${createHmac('sha256', customerSecret!).update(said).digest('base64url')}`
}
