// The provider of OpenID Connect as the settings name it: its secret is read from a file, and what a browser holds is encrypted.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Config, ConfigError } from '../config.ts'
import { createOpenId, type OpenId, type OpenIdOptions } from './openId.ts'

const secretIn = (path: string): string => {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new ConfigError([`OIDC_CLIENT_SECRET_FILE: ${path} cannot be read (${(error as Error).message})`])
  }
  if (text === '') throw new ConfigError([`OIDC_CLIENT_SECRET_FILE: ${path} holds nothing`])
  return text
}

/** Undefined where none is set. Throws `ConfigError` for a secret that cannot be read. */
export const openIdFor = (
  { openId }: Pick<Config, 'openId'>,
  {
    access,
    publicUrl,
    projectKey,
    log,
  }: Pick<OpenIdOptions, 'access' | 'publicUrl' | 'log'> & { readonly projectKey: () => string },
): OpenId | undefined => {
  if (openId === undefined) return undefined
  const { clientSecretFile, ...rest } = openId
  return createOpenId({
    config: { ...rest, clientSecret: secretIn(clientSecretFile) },
    access,
    publicUrl,
    key: () => createHash('sha256').update(`sign-in flows ${projectKey()}`).digest(),
    log,
  })
}
