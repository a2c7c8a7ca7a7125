import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { configuredCredentials, credentialsConfig } from './configured.ts'
import { dockerConfigCredentials } from './docker-config.ts'
import { firstOf } from './source.ts'
import { staticCredentials } from './static.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-credentials-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const { signal } = new AbortController()
const base64 = (text: string): string => Buffer.from(text).toString('base64')

function configFile(content: object | string): string {
  const file = join(dir, `${Math.random()}.json`)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

/** A helper that writes its surroundings down, and then does what the script says. */
function helper(script: string): string {
  const file = join(dir, `helper-${Math.random()}`)
  writeFileSync(file, `#!/bin/sh\n{ echo "$@"; cat; echo; env; } > ${file}.seen\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

test('takes the entry of the longest name that fits', async () => {
  const auths = {
    'registry.test': { auth: base64('host:1') },
    'registry.test/team': { auth: base64('team:2:3') },
    'https://registry.test/team/app/': { username: 'app', password: '4' },
    'registry.test:5000': { identitytoken: 'id', username: 'x' },
    'https://index.docker.io/v1/': { auth: base64('hub:5') },
    'other.test': { registrytoken: 'raw' },
    'empty.test': {},
  }
  const source = dockerConfigCredentials(configFile({ auths }))
  const find = (registry: string, repository: string) => source.find(registry, repository, signal)
  assert.deepEqual(await find('registry.test', 'a'), { username: 'host', password: '1' })
  assert.deepEqual(await find('registry.test', 'teammate/a'), { username: 'host', password: '1' })
  assert.deepEqual(await find('registry.test', 'team/a'), { username: 'team', password: '2:3' })
  assert.deepEqual(await find('registry.test', 'team/app'), { username: 'app', password: '4' })
  assert.deepEqual(await find('registry.test', 'team/app/sub'), { username: 'app', password: '4' })
  assert.deepEqual(await find('registry.test:5000', 'a'), { username: 'x', identityToken: 'id' })
  assert.deepEqual(await find('docker.io', 'library/debian'), { username: 'hub', password: '5' })
  assert.deepEqual(await find('other.test', 'a'), { registryToken: 'raw' })
  assert.equal(await find('empty.test', 'a'), undefined)
  assert.equal(await find('unknown.test', 'a'), undefined)
  assert.equal(await find('__proto__', 'constructor'), undefined)
})

test('reads a file that is not there as an empty one, and says what is wrong with others without their secrets', async () => {
  assert.equal(await dockerConfigCredentials(join(dir, 'none')).find('a.test', 'b', signal), undefined)
  for (const content of [
    '{"auths": hunter2',
    '[]',
    '{"auths":{"a.test":{"auth":5}}}',
    { auths: { 'a.test': { auth: base64('hunter2') } } },
  ])
    await assert.rejects(dockerConfigCredentials(configFile(content)).find('a.test', 'b', signal), (error) => {
      assert.ok(error instanceof Error && 'reason' in error)
      assert.equal(error.reason, 'DOCKER_CONFIG_INVALID')
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
})

test('asks the configured helper, with nothing of our environment', async () => {
  process.env['CAISSON_TEST_SECRET'] = 'of the service'
  const program = helper(`echo '{"ServerURL":"x","Username":"u","Secret":"s"}'`)
  const source = dockerConfigCredentials(configFile({ credHelpers: { 'a.test': 'pass' }, credsStore: 'store' }), {
    pass: program,
    store: helper(`echo '{"Username":"<token>","Secret":"id"}'`),
  })
  assert.deepEqual(await source.find('a.test', 'b', signal), { username: 'u', password: 's' })
  const seen = readFileSync(`${program}.seen`, 'utf8')
  assert.match(seen, /^get\na\.test\n/)
  assert.doesNotMatch(seen, /of the service/)
  assert.deepEqual(await source.find('b.test', 'b', signal), { identityToken: 'id' })
})

test('takes a helper that knows nothing for no credentials, and one that fails for an error', async () => {
  const file = configFile({ credsStore: 'x' })
  const unknown = helper('echo "credentials not found in native keychain"; exit 1')
  assert.equal(await dockerConfigCredentials(file, { x: unknown }).find('a.test', 'b', signal), undefined)
  const scripts = [
    'echo hunter2; exit 1',
    'echo hunter2',
    'echo "{}"',
    'while :; do echo hunter2 hunter2 hunter2; done',
    'kill -9 $$',
  ]
  for (const script of scripts)
    await assert.rejects(dockerConfigCredentials(file, { x: helper(script) }).find('a.test', 'b', signal), (error) => {
      assert.ok(error instanceof Error && 'reason' in error)
      assert.equal(error.reason, 'CREDENTIAL_HELPER_FAILED')
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
  const missing = dockerConfigCredentials(file, { x: join(dir, 'not-there') })
  await assert.rejects(missing.find('a.test', 'b', signal), { reason: 'CREDENTIAL_HELPER_FAILED' })
})

test('runs no helper that is not configured by its file', async () => {
  for (const name of ['pass', '../../bin/sh', 'sh -c x', '', '__proto__', 'constructor']) {
    const file = configFile({ credHelpers: { 'a.test': name } })
    await assert.rejects(dockerConfigCredentials(file, { other: '/bin/true' }).find('a.test', 'b', signal), {
      reason: 'CREDENTIAL_HELPER_UNKNOWN',
    })
  }
  const relative = dockerConfigCredentials(configFile({ credsStore: 'sh' }), { sh: 'sh' })
  await assert.rejects(relative.find('a.test', 'b', signal), { reason: 'CREDENTIAL_HELPER_UNKNOWN' })
})

test('ends a helper when the call is cancelled', async () => {
  const controller = new AbortController()
  const source = dockerConfigCredentials(configFile({ credsStore: 'x' }), { x: helper('exec sleep 60') })
  const finding = source.find('a.test', 'b', controller.signal)
  controller.abort()
  await assert.rejects(finding, { name: 'AbortError' })
})

test('asks sources one after the other', async () => {
  const source = firstOf(
    staticCredentials({ 'a.test/x': { username: 'first' } }),
    staticCredentials({ 'a.test': { username: 'second' } }),
  )
  assert.deepEqual(await source.find('a.test', 'x', signal), { username: 'first' })
  assert.deepEqual(await source.find('A.test', 'y', signal), { username: 'second' })
  assert.equal(await source.find('b.test', 'x', signal), undefined)
})

test('is configured by files and helpers', async () => {
  const dockerConfigs = [configFile({}), configFile({ auths: { 'a.test': { auth: base64('u:p') } } })]
  const source = configuredCredentials(credentialsConfig.parse({ dockerConfigs }))
  assert.deepEqual(await source.find('a.test', 'b', signal), { username: 'u', password: 'p' })
  assert.equal(await configuredCredentials(credentialsConfig.parse(undefined)).find('a.test', 'b', signal), undefined)
  assert.ok(!credentialsConfig.safeParse({ helpers: { pass: 'relative' } }).success)
  assert.ok(!credentialsConfig.safeParse({ dockerConfigs: ['relative'] }).success)
})
