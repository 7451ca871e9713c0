// The address of a receiver of webhooks.
import * as v from 'valibot'

export const httpUrl = v.pipe(
  v.string(),
  v.maxLength(2_000),
  v.check((text) => {
    if (!URL.canParse(text)) return false
    const url = new URL(text)
    return (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
  }, 'must be an http or https URL without user and password'),
)
