// A client that sends bytes, for what no driver would send.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { BSON, type Document } from 'mongodb'

export interface RawClient {
  readonly socket: Socket
  send(bytes: Uint8Array): void
  /** Sends a command as OP_MSG and gives its answer. */
  command(command: Document): Promise<Document>
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>
  end(): void
}

let requestId = 0

const header = (length: number, operation: number): Buffer => {
  requestId += 1
  const head = Buffer.alloc(16)
  head.writeInt32LE(length, 0)
  head.writeInt32LE(requestId, 4)
  head.writeInt32LE(operation, 12)
  return head
}

/** An OP_MSG with one body. */
export const message = (command: Document, flags = 0): Buffer => {
  const body = BSON.serialize(command)
  const rest = Buffer.alloc(5)
  rest.writeUInt32LE(flags, 0)
  return Buffer.concat([header(21 + body.length, 2013), rest, body])
}

/** An OP_QUERY, as old clients greet. */
export const query = (collection: string, command: Document): Buffer => {
  const body = BSON.serialize(command)
  const name = Buffer.from(`${collection}\0`)
  const numbers = Buffer.alloc(8)
  numbers.writeInt32LE(-1, 4)
  return Buffer.concat([header(16 + 4 + name.length + 8 + body.length, 2004), Buffer.alloc(4), name, numbers, body])
}

type Command = RawClient['command']

/** Shows the password of the connection string, by SCRAM-SHA-256. */
const signIn = async (command: Command, username: string, password: string): Promise<void> => {
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const first = `n=${username},r=${randomBytes(18).toString('base64')}`
  const started = await command({
    saslStart: 1,
    mechanism: 'SCRAM-SHA-256',
    payload: new BSON.Binary(Buffer.from(`n,,${first}`)),
    $db: 'admin',
  })
  const challenge = Buffer.from(started.payload.buffer).toString()
  const [, nonce = '', salt = '', rounds = '0'] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? []
  const last = `c=biws,r=${nonce}`
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256')
  const key = hmac(salted, 'Client Key')
  const signature = hmac(createHash('sha256').update(key).digest(), `${first},${challenge},${last}`)
  const proof = Buffer.from(key.map((byte, i) => byte ^ signature[i]!)).toString('base64')
  const go = (payload: string) =>
    command({
      saslContinue: 1,
      conversationId: started.conversationId,
      payload: new BSON.Binary(Buffer.from(payload)),
      $db: 'admin',
    })
  const proved = await go(`${last},p=${proof}`)
  const done = proved.done === false ? await go('') : proved
  if (done.ok !== 1) throw new Error(`not signed in: ${done.errmsg}`)
}

/** A connection to the server; signed in when there is a password in the URL, unless it is to be a stranger's. */
export const rawClient = async (url: string, { stranger = false } = {}): Promise<RawClient> => {
  const { hostname, port, username, password } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  let held = Buffer.alloc(0)
  const waiting: { resolve(answer: Document): void; reject(error: Error): void }[] = []
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 16 && held.length >= held.readInt32LE(0)) {
      const length = held.readInt32LE(0)
      const bodyAt = held.readInt32LE(12) === 1 ? 36 : 21
      const answer = BSON.deserialize(held.subarray(bodyAt, length))
      held = held.subarray(length)
      waiting.shift()?.resolve(answer)
    }
  })
  socket.on('error', () => undefined)
  // However it is closed: a server that has not read everything resets the connection.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // Once for all: what waits for `closed` is held, with its answer, as long as the connection lives.
  void closed.then(() => {
    for (const { reject } of waiting.splice(0)) reject(new Error('the connection was closed'))
  })
  const command: Command = (command) =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the connection was closed'))
      waiting.push({ resolve, reject })
      socket.write(message(command))
    })
  if (password !== '' && !stranger) await signIn(command, username, decodeURIComponent(password))
  return {
    socket,
    closed,
    send: (bytes) => {
      socket.write(bytes)
    },
    command,
    end: () => socket.destroy(),
  }
}

/** Sends whole messages made elsewhere and gives the answer. */
export const ask = (client: RawClient, bytes: Uint8Array): Promise<Document> =>
  new Promise((resolve) => {
    client.socket.once('data', (chunk) => {
      const bodyAt = chunk.readInt32LE(12) === 1 ? 36 : 21
      resolve(BSON.deserialize(chunk.subarray(bodyAt, chunk.readInt32LE(0))))
    })
    client.send(bytes)
  })
