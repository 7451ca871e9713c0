// Paths as they are sent.

/** The path as sent, undecoded so that `%2F` stays in its segment, without a trailing slash (SDKs send one). */
export const rawPath = (request: Request): string => {
  const { url } = request
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const mark = url.indexOf('?', start)
  const end = mark === -1 ? url.length : mark
  return url.slice(start, end > start + 1 && url.charCodeAt(end - 1) === SLASH ? end - 1 : end)
}
const SLASH = 47

/** Whether a path can be decoded, to something that stores take. */
export const decodable = (path: string): boolean => {
  if (!path.includes('%')) return true
  try {
    return !decodeURIComponent(path).includes('\u0000')
  } catch {
    return false
  }
}
