import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { Client } from '../client.ts'
import { startRegistry, type TestRegistry } from '../registry.ts'
import { needsChromium, openChromium } from './chromium.ts'
import { pushApp, pushHostile } from './gallery.ts'

const skip = needsChromium
let registry: TestRegistry
let browser: Browser

before(async () => {
  if (skip) return
  registry = await startRegistry()
  const client = new Client(registry.url)
  await pushApp(client, 'team/app')
  await pushHostile(client, 'team/hostile')
  browser = await openChromium()
})
after(async () => {
  if (skip) return
  await browser.close()
  await registry[Symbol.asyncDispose]()
})

interface Visit extends AsyncDisposable {
  readonly page: Page
  /** What the browser complained of, and what it asked others for. */
  readonly complaints: string[]
}

async function visit(options: { javaScriptEnabled: boolean; width?: number }): Promise<Visit> {
  const viewport = { width: options.width ?? 1_100, height: 800 }
  const context = await browser.newContext({ javaScriptEnabled: options.javaScriptEnabled, viewport })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(registry.url)) complaints.push(`asks for ${request.url()}`)
  })
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
}

for (const javaScriptEnabled of [false, true])
  test(`leads from the list of repositories to a layer, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, {
    skip,
  }, async () => {
    await using at = await visit({ javaScriptEnabled })
    const { page } = at
    await page.goto(`${registry.url}/`)
    assert.match(page.url(), /\/ui\/$/)
    await page.getByRole('link', { name: 'team/app', exact: true }).first().click()
    assert.match(page.url(), /\/ui\/r\/team\/app$/)
    await page.getByRole('link', { name: 'latest', exact: true }).first().click()
    assert.match(page.url(), /\/ui\/r\/team\/app\/-\//)
    assert.match((await page.locator('main').textContent()) ?? '', /linux\/amd64/)
    assert.deepEqual(at.complaints, [])
  })

test('runs nothing that an image says', { skip }, async () => {
  await using at = await visit({ javaScriptEnabled: true })
  const { page } = at
  await page.goto(`${registry.url}/ui/r/team/hostile`)
  for (const link of await page
    .locator('main a[href*="/-/"]')
    .evaluateAll((links) => links.map((one) => one.getAttribute('href'))))
    await page.goto(new URL(link ?? '', registry.url).href)
  assert.equal(await page.locator('main script').count(), 0)
  assert.deepEqual(at.complaints, [])
})

test('fits on a telephone', { skip }, async () => {
  await using at = await visit({ javaScriptEnabled: true, width: 360 })
  for (const path of ['/ui/', '/ui/r/team/app', '/ui/r/team/app/-/latest']) {
    await at.page.goto(registry.url + path)
    const overflow = await at.page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    assert.ok(Number(overflow) <= 0, `${path} is ${overflow} pixels too wide`)
  }
  assert.deepEqual(at.complaints, [])
})
