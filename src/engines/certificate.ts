// A certificate for loopback that signs itself (RFC 5280): one key, one name, written as DER and checked by OpenSSL.
import { createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import * as v from 'valibot'

/** Both as PEM. */
export const Pem = v.object({ key: v.string(), certificate: v.string() })
export type Certificate = v.InferOutput<typeof Pem>

/** Its name in the data folder. */
export const CERTIFICATE_FILE = 'engine-certificate.pem'

/** Before any clock that is only somewhat wrong. */
const FROM = new Date('2020-01-01T00:00:00Z')
const YEARS = 20
/** It is made again when it ends sooner than this, ms. */
const LEFT_MS = 365 * 86_400_000

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const hex = (tag: number, content: string): Buffer => der(tag, Buffer.from(content, 'hex'))
const text = (tag: number, content: string): Buffer => der(tag, Buffer.from(content))
const oid = (content: string): Buffer => hex(0x06, content)
const TRUE = hex(0x01, 'ff')

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const NAME = sequence(der(0x31, sequence(oid('550403'), text(0x0c, 'Tributary embedded engines'))))

/** GeneralizedTime would be right from 2050 on only. */
const time = (date: Date): Buffer => {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050 ? text(0x17, digits.slice(2)) : text(0x18, digits)
}

const extension = (
  id: string,
  value: Uint8Array,
  { isCritical = false }: { readonly isCritical?: boolean } = {},
): Buffer => sequence(oid(id), ...(isCritical ? [TRUE] : []), der(0x04, value))

/** Its own authority and no other's; signs handshakes and itself; named as loopback is. */
const EXTENSIONS = sequence(
  extension('551d13', sequence(TRUE, hex(0x02, '00')), { isCritical: true }),
  extension('551d0f', hex(0x03, '0284'), { isCritical: true }),
  extension('551d11', sequence(text(0x82, 'localhost'), hex(0x87, '7f000001'), hex(0x87, `${'00'.repeat(15)}01`))),
)

/** Makes a key (P-256) and its certificate, good for twenty years. */
export const makeCertificate = (now = new Date()): Certificate => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const until = new Date(now)
  until.setUTCFullYear(now.getUTCFullYear() + YEARS)
  const serial = randomBytes(16)
  // Positive, and without a zero in front.
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const content = sequence(
    hex(0xa0, '020102'),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    NAME,
    sequence(time(FROM), time(until)),
    NAME,
    pair.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, EXTENSIONS),
  )
  const signature = sign('sha256', content, pair.privateKey)
  const made = new X509Certificate(sequence(content, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature)))
  if (!made.verify(pair.publicKey) || !made.checkIP('127.0.0.1'))
    throw new Error('the certificate is not as it should be')
  return {
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: made.toString(),
  }
}

/** Whether a certificate fits its key and does not end soon. */
export const stillGood = ({ key, certificate }: Certificate, now = Date.now()): boolean => {
  try {
    const parsed = new X509Certificate(certificate)
    return parsed.checkPrivateKey(createPrivateKey(key)) && Date.parse(parsed.validTo) > now + LEFT_MS
  } catch {
    return false
  }
}
