import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Descriptor, digestOf, MEDIA_TYPE } from '@caisson/oci'
import { calm, smallImage } from './image.ts'
import { type Handler, mockRegistry, testClient } from './mock-registry.ts'

const referrer = (artifactType: string, n = 0): Descriptor => ({
  mediaType: MEDIA_TYPE.ociManifest,
  digest: digestOf(`${artifactType} ${n}`),
  size: 10,
  artifactType,
})
const index = (manifests: readonly Descriptor[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests })
const INDEX = { 'content-type': MEDIA_TYPE.ociIndex }
const subject = digestOf('subject')

async function against<T>(handler: Handler, use: (of: ReturnType<typeof repositoryAt>) => Promise<T>): Promise<T> {
  await using server = await mockRegistry(handler)
  await using client = testClient()
  return await use(repositoryAt(client, server.address))
}

const repositoryAt = (client: ReturnType<typeof testClient>, registry: string) =>
  client.repository({ registry, repository: 'a' })

test('reads tags page by page and passes over what is none', async () => {
  const pages: Handler = (request, response) => {
    const last = new URL(request.url ?? '', 'http://x').searchParams.get('last')
    if (last === null) response.setHeader('link', '</v2/a/tags/list?n=1000&last=b%20c>; rel="next"')
    response.end(JSON.stringify({ name: 'a', tags: last === null ? ['a', '../evil', 'b'] : [last.slice(0, 1), 'z'] }))
  }
  await against(pages, async (repository) => {
    assert.deepEqual(await Array.fromAsync(repository.tags(calm)), ['a', 'b', 'b', 'z'])
  })
  await against(
    (_request, response) => response.end('{"name":"a","tags":null}'),
    async (repository) => {
      assert.deepEqual(await Array.fromAsync(repository.tags(calm)), [])
    },
  )
})

test('ends lists that go round in circles, lead away, or are none', async () => {
  const wrong: [string, string, string][] = [
    ['</v2/a/tags/list?n=1000>; rel=next', '{"tags":[]}', 'REGISTRY_ANSWER_TOO_LARGE'],
    ['<http://169.254.169.254/v2/x>; rel=next', '{"tags":[]}', 'REGISTRY_ANSWER_INVALID'],
    ['</etc/passwd>; rel=next', '{"tags":[]}', 'REGISTRY_ANSWER_INVALID'],
    ['<file:///v2/x>; rel=next', '{"tags":[]}', 'REGISTRY_REDIRECT_REFUSED'],
    ['', '{"tags":"a"}', 'REGISTRY_ANSWER_INVALID'],
    ['', '<html>', 'REGISTRY_ANSWER_INVALID'],
  ]
  for (const [link, body, reason] of wrong)
    await against(
      (_request, response) => response.setHeader('link', link).end(body),
      async (repository) => {
        await assert.rejects(Array.fromAsync(repository.tags(calm)), { name: 'CaissonError', reason }, link)
      },
    )
})

test('reads referrers page by page and filters those of a registry that does not', async () => {
  const pages: Handler = (request, response) => {
    const isFirst = !request.url?.includes('page=2')
    if (isFirst) response.setHeader('link', `</v2/a/referrers/${subject}?page=2>; rel="next"`)
    response.writeHead(200, INDEX).end(index([referrer('x/a', isFirst ? 1 : 2), referrer('x/b', isFirst ? 1 : 2)]))
  }
  await against(pages, async (repository) => {
    assert.deepEqual(await repository.referrers(subject, 'x/a', calm), [referrer('x/a', 1), referrer('x/a', 2)])
    assert.equal((await repository.referrers(subject, undefined, calm)).length, 4)
  })
})

test('reads referrers of the fallback tag where there is no such API', async () => {
  const tag = `sha256-${subject.slice('sha256:'.length)}`
  const old: Handler = (request, response) => {
    if (request.url !== `/v2/a/manifests/${tag}`) response.writeHead(404).end('404 page not found')
    else response.writeHead(200, INDEX).end(index([referrer('x/a')]))
  }
  await against(old, async (repository) => {
    assert.deepEqual(await repository.referrers(subject, undefined, calm), [referrer('x/a')])
    assert.deepEqual(await repository.referrers(subject, 'x/b', calm), [])
  })
})

test('does not take a failing registry for one without referrers', async () => {
  for (const code of [401, 403, 500])
    await against(
      (_request, response) => response.writeHead(code).end(),
      async (repository) => {
        await assert.rejects(repository.referrers(subject, undefined, calm), { name: 'CaissonError' })
      },
    )
  await against(
    (_request, response) => response.writeHead(200, INDEX).end('{}'),
    async (repository) => {
      await assert.rejects(repository.referrers(subject, undefined, calm), { code: 'invalid-argument' })
    },
  )
})

test('leaves the list of referrers to a registry that keeps it', async () => {
  const about = { mediaType: MEDIA_TYPE.ociManifest, digest: subject, size: 5 }
  const image = smallImage(1, { subject: about })
  await using server = await mockRegistry((request, response) => {
    request.resume()
    response.writeHead(201, { 'oci-subject': subject }).end()
  })
  await using client = testClient()
  const put = await repositoryAt(client, server.address).putManifest('1', image.manifest, calm)
  assert.deepEqual(put, { digest: image.manifest.digest, subject })
  assert.deepEqual(server.asked, ['PUT /v2/a/manifests/1'])
})
