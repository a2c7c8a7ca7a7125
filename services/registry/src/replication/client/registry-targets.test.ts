import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { parsePattern } from '../../access/pattern.ts'
import type { Rule } from '../rule.ts'
import { RegistryTargets } from './registry-targets.ts'

const calm = new AbortController().signal

const ruleOf = (targetUrl: string): Rule => ({
  ...{ name: 'a', uid: '1', repositories: [parsePattern('*')], tags: '', targetUrl, prefix: 'm/' },
  ...{ username: 'me', password: 'hidden', deletes: false, insecure: true },
})

/** Answers what it is told to, and remembers what it was asked. */
async function listen(answer: (request: IncomingMessage) => Record<string, string>, status: number) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    response.writeHead(status, answer(request)).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections())
  return { asked, port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close }
}

test('a host without a dot is a registry of its own, and no name at another one', async () => {
  await using targets = new RegistryTargets()
  await assert.rejects(targets.open(ruleOf('http://no-such-host'), 'app').resolve('1', calm), (error: unknown) => {
    assert.ok(error instanceof Error && 'details' in error)
    assert.match(JSON.stringify(error.details), /"no-such-host/)
    return true
  })
})

test('credentials go to no server that the target redirects to', async () => {
  await using other = await listen(() => ({}), 404)
  await using target = await listen(
    ({ url = '', headers }) =>
      headers.authorization === undefined
        ? { 'www-authenticate': 'Basic realm="a"' }
        : { location: `http://localhost:${other.port}${url}` },
    401,
  )
  await using redirecting = await listen(({ url = '' }) => ({ location: `${other.url}${url}` }), 307)
  await using targets = new RegistryTargets()
  assert.equal(await targets.open(ruleOf(redirecting.url), 'app').resolve('1', calm), undefined)
  await assert.rejects(targets.open(ruleOf(target.url), 'app').resolve('1', calm))
  assert.ok(target.asked.some(({ headers }) => headers.authorization !== undefined))
  assert.ok(other.asked.length > 0)
  assert.ok(other.asked.every(({ headers }) => headers.authorization === undefined))
})
