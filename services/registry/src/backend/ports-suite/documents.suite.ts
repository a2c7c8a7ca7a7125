import assert from 'node:assert/strict'
import { rejects } from './content.ts'
import type { It } from './under-test.ts'

/** Documents. */
export function documents(it: It): void {
  it('keeps documents, and lets one of two writers win', async (backend) => {
    const { documents } = backend
    assert.equal(await documents.get('users', 'ann'), undefined)
    const first = await documents.put('users', 'ann', { n: 1 }, 'absent')
    await rejects(documents.put('users', 'ann', { n: 2 }, 'absent'), 'DOCUMENT_CHANGED')
    const second = await documents.put('users', 'ann', { n: 2 }, { version: first })
    await rejects(documents.put('users', 'ann', { n: 3 }, { version: first }), 'DOCUMENT_CHANGED')
    assert.deepEqual(await documents.get('users', 'ann'), { value: { n: 2 }, version: second })
    await rejects(documents.delete('users', 'ann', { version: first }), 'DOCUMENT_CHANGED')
    assert.equal(await documents.delete('users', 'ann', { version: second }), true)
    assert.equal(await documents.delete('users', 'ann', 'any'), false)
  })

  it('lists documents of one collection by pages', async (backend) => {
    for (const key of ['team/*', 'b', 'a b', 'team/app', 'ü'])
      await backend.documents.put('policy', key, { key }, 'any')
    await backend.documents.put('users', 'x', 1, 'any')
    const keys = async (page: { after?: string; limit: number; prefix?: string }) =>
      (await backend.documents.list('policy', page)).map(({ key }) => key)
    assert.deepEqual(await keys({ limit: 10 }), ['a b', 'b', 'team/*', 'team/app', 'ü'])
    assert.deepEqual(await keys({ limit: 2, after: 'b' }), ['team/*', 'team/app'])
    assert.deepEqual(await keys({ limit: 9, prefix: 'team/' }), ['team/*', 'team/app'])
  })
}
