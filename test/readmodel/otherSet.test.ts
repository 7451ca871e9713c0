// A URL that names another replica set than the server's: the operator is told so, once, however the server is reached.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import { silentLog } from '../../src/line/log.ts'
import { createReadModel } from '../../src/readmodel/index.ts'
import { until } from '../until.ts'

for (const more of ['', '&directConnection=true'])
  test(`replicaSet=other${more}`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tributary-other-set-'))
    const store = await startDocumentStore({ access: 'open', dir })
    const said: string[] = []
    const warn = (details: object, message: string) =>
      said.push(`${message}: ${(details as { reason?: string }).reason}`)
    const url = `mongodb://127.0.0.1:${store.port}/?replicaSet=other${more}`
    const readModel = createReadModel({ url, database: 'other', log: { ...silentLog, warn } })
    try {
      const asked = readModel
        .collection<{ _id: string }>('c')
        .findOne({ _id: 'x' })
        .catch((error: Error) => error)
      await until(() => !readModel.health().ok)
      assert.equal(said, ['server is down: it belongs to no replica set of the name in the URL (replicaSet=…)'])
      assert.instance(await asked, Error)
    } finally {
      await readModel.close()
      await store.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  })

test.run()
