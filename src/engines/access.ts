// Who may use the embedded engines: passwords and a certificate that the first start makes, for this machine's user alone.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { CERTIFICATE_FILE, type Certificate, makeCertificate, Pem, stillGood } from './certificate.ts'
import { StoreUnusable } from './dataFile.ts'
import { FILE_MODE, makeFolder, writeOnce } from './private.ts'

/** Who may use an engine. The password is long and random, and all of its characters stand in a URL as they are. */
export const Login = v.object({ user: v.string(), password: v.string() })
export type Login = v.InferOutput<typeof Login>

/** What the event log shows and asks for. */
export const SecureLogin = v.object({ ...Login.entries, tls: v.object({ ...Pem.entries, file: v.string() }) })
export type SecureLogin = v.InferOutput<typeof SecureLogin>

/** The file in the data folder; without it the next start makes another. */
export const ACCESS_FILE = 'engine-access.json'

const Kept = v.object({ eventLog: Login, documents: Login, tls: Pem })
type Kept = v.InferOutput<typeof Kept>

export interface EngineAccess {
  readonly eventLog: SecureLogin
  readonly documents: Login
}

const PASSWORD_BYTES = 24
const newPassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url')

const newAccess = (tls: Certificate): Kept => ({
  // The event store's own name for who may do everything.
  eventLog: { user: 'admin', password: newPassword() },
  documents: { user: 'tributary', password: newPassword() },
  tls,
})

const read = (path: string): Kept => {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Kept), readFileSync(path, 'utf8'))
  if (!parsed.success) throw new StoreUnusable(`${path} is damaged; remove it, and this start makes another`)
  return parsed.output
}

/**
 * The passwords and the certificate of the engines over `dataDir`; makes what is not there, with mode 0600. They stay the same
 * from start to start, so that other programs can keep the URLs. Throws `StoreUnusable` when the file cannot be read.
 */
export const engineAccess = (dataDir: string): EngineAccess => {
  makeFolder(dataDir)
  const path = join(dataDir, ACCESS_FILE)
  if (!existsSync(path)) writeOnce(path, `${JSON.stringify(newAccess(makeCertificate()), undefined, 2)}\n`)
  let kept = read(path)
  if (!stillGood(kept.tls)) {
    rmSync(path)
    writeOnce(path, `${JSON.stringify({ ...kept, tls: makeCertificate() }, undefined, 2)}\n`)
    kept = read(path)
  }
  // Clients are told of it by a path; it is no secret.
  const file = resolve(dataDir, CERTIFICATE_FILE)
  writeFileSync(file, kept.tls.certificate, { mode: FILE_MODE })
  return { eventLog: { ...kept.eventLog, tls: { ...kept.tls, file } }, documents: kept.documents }
}
