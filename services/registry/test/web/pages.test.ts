import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Manifest } from '../client.ts'
import { blobOf } from '../registry.ts'
import { sharedRegistry } from '../shared-registry.ts'
import { BIDI, pushApp, pushHostile, pushSignature, SCRIPT } from './gallery.ts'

const { registry, client } = await sharedRegistry()
let app: { index: Manifest; amd64: Manifest }

before(async () => {
  app = await pushApp(client, 'team/app')
})

async function page(path: string): Promise<string> {
  const { status, body } = await client.ask('GET', path)
  assert.equal(status, 200, path)
  return body.toString()
}

/** The link of a page that reads `text`. */
function linkIn(markup: string, text: string): string {
  const href = new RegExp(`<a [^>]*href="([^"]+)"[^>]*>${text}</a>`).exec(markup)?.[1]
  assert.ok(href !== undefined, `no link ${text}`)
  return href.replaceAll('&amp;', '&')
}

test('sends browsers from / to the pages, and leaves clients of the protocol alone', async () => {
  const browser = await client.ask('GET', '/', { headers: { accept: 'text/html,application/xhtml+xml' } })
  assert.deepEqual([browser.status, browser.headers.get('location')], [302, '/ui/'])
  assert.equal((await client.ask('GET', '/ui')).headers.get('location'), '/ui/')
  const other = await client.ask('GET', '/')
  assert.deepEqual([other.status, other.code], [404, 'NAME_UNKNOWN'])
  const base = await client.ask('GET', '/v2/', { headers: { accept: 'text/html' } })
  assert.deepEqual([base.status, base.body.toString()], [200, '{}'])
})

test('lets pages load nothing from elsewhere, run nothing of others, and be kept and framed by nobody', async () => {
  for (const path of ['/ui/', '/ui/r/team/app', '/ui/r/none', '/ui/r/team/app/-/latest']) {
    const { headers } = await client.ask('GET', path)
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(policy, /^default-src 'none';/)
    assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
    assert.equal(headers.get('content-type'), 'text/html; charset=utf-8')
    assert.equal(headers.get('set-cookie'), null)
  }
})

test('serves style, script and icon under names that change with them', async () => {
  const markup = await page('/ui/')
  for (const [pattern, type] of [
    [/href="(\/ui\/-\/style\.\w{16}\.css)"/, 'text/css; charset=utf-8'],
    [/src="(\/ui\/-\/script\.\w{16}\.js)"/, 'text/javascript; charset=utf-8'],
    [/href="(\/ui\/-\/icon\.\w{16}\.svg)"/, 'image/svg+xml'],
  ] as const) {
    const { status, headers } = await client.ask('GET', pattern.exec(markup)?.[1] ?? 'none')
    assert.deepEqual([status, headers.get('content-type')], [200, type])
    assert.match(headers.get('cache-control') ?? '', /immutable/)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
  }
  assert.equal((await client.ask('GET', '/ui/-/../main.ts')).status, 404)
  assert.equal((await client.ask('GET', '/ui/-/style.css')).status, 404)
})

test('leads from the repositories to tags, platforms, config, layers and referrers by links alone', async () => {
  const home = await page('/ui/')
  const repository = await page(linkIn(home, 'team/<wbr>app'))
  assert.match(repository, new RegExp(`docker pull ${registry.address}/team/app:latest`))
  assert.match(repository, /linux\/arm64\/v8/)
  const index = await page(linkIn(repository, 'latest'))
  assert.match(index, new RegExp(`>${app.index.digest}<`))
  assert.match(index, /attestation-manifest/)
  assert.match(index, /11\.7 MB/)
  const short = app.amd64.digest.slice(7, 19)
  const image = await page(linkIn(index, `<code title="${app.amd64.digest}">${short}</code>`))
  for (const shown of [
    'docker-entrypoint.sh',
    'POSTGRES_PASSWORD',
    '5432/tcp',
    'org.opencontainers.image.version',
    'apt-get install -y postgresql',
    '9.30 MB',
    'tar, gzip',
    'linux/amd64',
  ])
    assert.ok(image.includes(shown), shown)
  const signature = /Referrers[\s\S]*?<a href="([^"]+)"/.exec(index)?.[1] ?? ''
  const artifact = await page(signature)
  assert.match(artifact, /application\/vnd\.dev\.cosign\.artifact\.sig\.v1\+json/)
  assert.match(artifact, /signature\.bin/)
  assert.ok(artifact.includes(`href="/ui/r/team/app/-/${app.index.digest}"`))
})

test('shows the names of variables, and their values nowhere', async () => {
  const image = await page(`/ui/r/team/app/-/${app.amd64.digest}`)
  assert.match(image, /POSTGRES_PASSWORD/)
  assert.doesNotMatch(image, /tr0ub4dor/)
})

test('counts no pull for looking', async () => {
  const repository = await registry.backend.records.repository('team/app' as never)
  await registry.service.pulls.flush()
  assert.equal(repository?.pulledAt, undefined)
})

test('shows what images say as text, and hidden characters in the open', async () => {
  const { digest } = await pushHostile(client, 'evil/labels')
  for (const path of ['/ui/', '/ui/r/evil/labels', '/ui/r/evil/labels/-/latest', '/ui/r/evil/labels/-/index']) {
    const { body, headers } = await client.ask('GET', path)
    const markup = body.toString()
    assert.doesNotMatch(markup, /<img|document\.title = '/, path)
    assert.equal([...markup.matchAll(/<script/g)].length, 1, path)
    assert.doesNotMatch(markup, /[\u202A-\u202E\u2066-\u2069\u200B]/, path)
    assert.ok(!markup.includes('\0'), path)
    assert.ok(body.byteLength < 400_000, `${path} has ${body.byteLength} bytes`)
    assert.doesNotMatch([...headers.values()].join('\n'), /script>/)
  }
  const image = await page(`/ui/r/evil/labels/-/${digest}`)
  assert.match(image, /&lt;script&gt;document\.title = &#39;broken&#39;/)
  assert.match(image, /user<span class="unseen">U\+202E<\/span>nimda/)
  assert.match(image, /298500 more characters/)
  assert.match(image, /and 302 more rows/)
  assert.doesNotMatch(image, /in-the-clear/)
})

test('takes what is in an address for text, or not at all', async () => {
  const text = encodeURIComponent(`${SCRIPT}${BIDI}`)
  for (const path of [`/ui/?prefix=${text}`, `/ui/?after=${text}`, `/ui/r/team/app?after=${text}`]) {
    const markup = await page(path)
    assert.doesNotMatch(markup, /<img|document\.title = '/)
  }
  for (const path of [`/ui/r/${text}`, `/ui/r/team/app/-/${text}`, '/ui/%', '/ui/r/team/app/-/%00'])
    assert.ok([400, 404].includes((await client.ask('GET', path)).status), path)
  const host = await fetch(`${registry.url}/ui/r/team/app`, { headers: { 'x-forwarded-host': '"><script>' } })
  assert.doesNotMatch(await host.text(), /"><script>/)
})

test('says why a config cannot be shown, and shows the rest', async () => {
  const repository = 'odd/config'
  const config = Buffer.from('{"os":"linux","os":"plan9"}')
  const layer = blobOf(10)
  for (const blob of [config, layer]) await client.pushBlob(repository, blob)
  const { descriptorOf, manifestOf } = await import('../client.ts')
  const manifest = manifestOf({
    config: descriptorOf(config, 'application/vnd.oci.image.config.v1+json'),
    layers: [descriptorOf(layer, 'application/vnd.oci.image.layer.v1.tar')],
  })
  await client.pushManifest(repository, 'latest', manifest)
  const markup = await page(`/ui/r/${repository}/-/latest`)
  assert.match(markup, /The config cannot be read: .*os/)
  assert.match(markup, /<h2 id="layers">/)
})

test('pages through tags and referrers by links', async () => {
  const image = await client.pushImage('many/tags', 'tag-000', blobOf(10))
  for (let n = 1; n < 120; n++) await client.pushManifest('many/tags', `tag-${`${n}`.padStart(3, '0')}`, image)
  for (let n = 0; n < 60; n++) await pushSignature(client, 'many/tags', image, 'text/x-signature')
  const tags: string[] = []
  for (let path: string | undefined = '/ui/r/many/tags'; path !== undefined; ) {
    const markup: string = await page(path)
    tags.push(...[...markup.matchAll(/\/-\/(tag-\d+)"/g)].map(([, tag = '']) => tag))
    path = markup.includes('rel="next"') ? linkIn(markup, 'Next page') : undefined
  }
  assert.equal(tags.length, 120)
  assert.equal(new Set(tags).size, 120)
  const first = await page('/ui/r/many/tags/-/tag-000')
  const second = await page(linkIn(first, 'Next page').replace(/#.*/, ''))
  const referrers = [first, second].flatMap((markup) => [...markup.matchAll(/text\/x-signature/g)])
  assert.equal(referrers.length, 60)
})

test('finds repositories by the beginning of their names, a page at a time', async () => {
  const image = await client.pushImage('found/0', 'a', blobOf(10))
  const { config, layers } = JSON.parse(Buffer.from(image.bytes).toString())
  for (let n = 1; n < 55; n++) {
    for (const { digest } of [config, ...layers])
      await client.ask('POST', `/v2/found/${n}/blobs/uploads/?mount=${digest}&from=found/0`)
    await client.pushManifest(`found/${n}`, 'a', image)
  }
  const first = await page('/ui/?prefix=found/')
  assert.doesNotMatch(first, /team\/<wbr>app/)
  const second = await page(linkIn(first, 'Next page'))
  const names = [first, second].flatMap((markup) => [...markup.matchAll(/href="\/ui\/r\/(found\/\d+)"/g)])
  assert.equal(new Set(names.map(([, name]) => name)).size, 55)
  assert.match(await page('/ui/?prefix=nothing'), /No repository begins with/)
})

test('answers HEAD as GET without a body, and nothing else', async () => {
  const head = await client.ask('HEAD', '/ui/r/team/app')
  assert.deepEqual([head.status, head.body.length], [200, 0])
  assert.equal((await client.ask('POST', '/ui/r/team/app')).status, 404)
})
