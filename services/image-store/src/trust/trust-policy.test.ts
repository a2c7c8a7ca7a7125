import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CaissonError, unavailable } from '@caisson/api'
import { type Digest, digestOf } from '@caisson/oci'
import { createLogger } from '@caisson/service-kit'
import fc from 'fast-check'
import { bundleOf, FakeRepository, payloadOf, type Signer, signedLayer, signer } from '../../test/cosign.ts'
import { BOUNDS, type Bounds, COSIGN_ARTIFACT } from './discover.ts'
import { compilePolicy } from './policy.ts'
import type { SignatureSource, SignedDocument, TrustRecord } from './ports.ts'
import { BUNDLE_TYPE, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_TYPE } from './signature.ts'
import { TrustPolicy } from './trust-policy.ts'

const NAME = 'registry.example.com/team/app:1'
const REPOSITORY = 'registry.example.com/team/app'
const TRUSTED = signer()
const STRANGER = signer()
const never = new AbortController().signal

const documentOf = (json: object): SignedDocument => {
  const bytes = Buffer.from(JSON.stringify(json))
  return { digest: digestOf(bytes), bytes }
}
const OCI = 'application/vnd.oci.image'
const CONFIG = { mediaType: `${OCI}.config.v1+json`, digest: digestOf('config'), size: 6 }
const manifestOf = (note: string): SignedDocument =>
  documentOf({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: CONFIG,
    layers: [],
    annotations: { note },
  })
const indexOf = (...children: readonly SignedDocument[]): SignedDocument =>
  documentOf({
    schemaVersion: 2,
    mediaType: `${OCI}.index.v1+json`,
    manifests: children.map(({ digest, bytes }) => ({
      mediaType: `${OCI}.manifest.v1+json`,
      digest,
      size: bytes.length,
    })),
  })

const MANIFEST = manifestOf('the one')
const INDEX = indexOf(MANIFEST, manifestOf('another platform'))

interface World {
  readonly trust: TrustPolicy
  readonly records: TrustRecord[]
  readonly events: string[]
  setPolicy(document: object | CaissonError): void
  clockMs: number
}

const signedBy = (by: readonly Signer[] = [TRUSTED], more: object = {}) => ({
  type: 'signedBy',
  keys: by.map(({ pem }) => ({ pem })),
  ...more,
})

function world(document: object = { default: signedBy() }, bounds: Bounds = BOUNDS): World {
  const records: TrustRecord[] = []
  const events: string[] = []
  const compile = (json: object) => compilePolicy(json, () => '')
  let policy: ReturnType<typeof compile> | CaissonError = compile(document)
  const same = (a: TrustRecord, b: TrustRecord): boolean =>
    a.digest === b.digest && a.key === b.key && a.identity === b.identity
  const trust = new TrustPolicy({
    policy: {
      current: () => {
        if (policy instanceof CaissonError) throw policy
        return policy
      },
    },
    table: {
      insert: (record) => !records.some((one) => same(one, record)) && records.push(record) > 0,
      of: (digests) => records.filter(({ digest }) => digests.includes(digest)),
      prune: () => 0,
    },
    events: {
      imageVerified: (_reference, { digest }) => void events.push(`verified ${digest}`),
      imageRejected: (_reference, digest, reason) => void events.push(`rejected ${digest} ${reason}`),
    },
    transactions: { transaction: (work) => work(), afterCommit: (call) => call() },
    log: createLogger('image-store', 'silent'),
    clock: () => made.clockMs,
    bounds,
  })
  const made: World = {
    trust,
    records,
    events,
    setPolicy: (json) => {
      policy = json instanceof CaissonError ? json : compile(json)
    },
    clockMs: Date.parse('2026-06-01T00:00:00Z'),
  }
  return made
}

interface Asking {
  readonly reference?: string
  readonly chain?: readonly SignedDocument[]
  readonly signal?: AbortSignal
}

const ask = ({ trust }: World, fetch?: SignatureSource, more: Asking = {}) =>
  trust.check({ reference: NAME, chain: [MANIFEST], signal: never, ...(fetch && { fetch }), ...more })

const REQUIRED = { code: 'permission-denied', reason: 'SIGNATURE_REQUIRED' }

/** The ways a signature can be stored, for one signer. */
const WAYS: Readonly<Record<string, (repository: FakeRepository, by: Signer, subject: Digest) => void>> = {
  tag: (repository, by, subject) => repository.tag(subject, [signedLayer(by, subject, REPOSITORY)]),
  referrer: (repository, by, subject) => void repository.referSimple(subject, signedLayer(by, subject, REPOSITORY)),
  bundle: (repository, by, subject) => void repository.referBundle(subject, bundleOf(by, subject)),
}
const ANY_NAME = { identity: { type: 'matchAny' } }

for (const [way, store] of Object.entries(WAYS)) {
  test(`accepts an image that is signed (${way}) with each kind of key`, async () => {
    for (const kind of ['p256', 'p384', 'p384-sha256', 'ed25519', 'rsa2048'] as const) {
      const by = signer(kind)
      const at = world({ default: signedBy([STRANGER, by], ANY_NAME) })
      const repository = new FakeRepository()
      store(repository, by, MANIFEST.digest)
      const verdict = await ask(at, repository)
      assert.equal(verdict.state, 'verified', kind)
      assert.equal(verdict.keys.length, 1)
      assert.deepEqual(at.events, [`verified ${MANIFEST.digest}`])
    }
  })

  test(`refuses a signature (${way}) of an unknown key, with a weak hash, and of another digest`, async () => {
    const sha1 = [signer('rsa2048-sha1'), signer('p256-sha1')]
    const at = world({ default: signedBy([TRUSTED, ...sha1], ANY_NAME) })
    for (const by of [STRANGER, ...sha1]) {
      const repository = new FakeRepository()
      store(repository, by, MANIFEST.digest)
      await assert.rejects(ask(at, repository), REQUIRED)
    }
    const other = new FakeRepository()
    store(other, TRUSTED, INDEX.digest)
    const [wrong] = [...other.tags.values()]
    if (wrong) other.tags.set(`${MANIFEST.digest.replace(':', '-')}.sig`, wrong)
    other.referring.set(MANIFEST.digest, other.referring.get(INDEX.digest) ?? [])
    await assert.rejects(ask(at, other), REQUIRED)
    assert.equal(at.records.length, 0)
    assert.equal(at.events.length, 4)
  })
}

test('refuses every change of one byte of payload and signature', async () => {
  const payload = payloadOf(MANIFEST.digest, REPOSITORY)
  const signature = TRUSTED.sign(payload)
  const tries = async (bytes: Buffer, annotation: string): Promise<void> => {
    const at = world({ default: signedBy([TRUSTED], ANY_NAME) })
    const repository = new FakeRepository()
    const annotations = { [SIGNATURE_ANNOTATION]: annotation }
    repository.tag(MANIFEST.digest, [{ mediaType: SIMPLE_SIGNING_TYPE, bytes, annotations }])
    await assert.rejects(ask(at, repository), REQUIRED)
  }
  const text = signature.toString('base64')
  for (let at = 0; at < payload.length; at++) await tries(flipped(payload, at, 1), text)
  for (let at = 0; at < signature.length; at++) await tries(payload, flipped(signature, at, 1).toString('base64'))
  for (let at = 0; at < text.length; at++) await tries(payload, flipped(Buffer.from(text), at, 1).toString('latin1'))
  await fc.assert(
    fc.asyncProperty(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) =>
      tries(flipped(payload, at, bits), text),
    ),
  )
})

test('refuses every change of one byte of what a bundle signs and of its signature', async () => {
  const bundle = JSON.parse(bundleOf(TRUSTED, MANIFEST.digest).toString())
  const tries = async (payload: string, sig: string): Promise<void> => {
    const at = world({ default: signedBy([TRUSTED], ANY_NAME) })
    const repository = new FakeRepository()
    const dsseEnvelope = { ...bundle.dsseEnvelope, payload, signatures: [{ sig }] }
    repository.referBundle(MANIFEST.digest, Buffer.from(JSON.stringify({ ...bundle, dsseEnvelope })))
    await assert.rejects(ask(at, repository), REQUIRED)
  }
  const { payload, signatures } = bundle.dsseEnvelope
  const [statement, signature] = [Buffer.from(payload, 'base64'), Buffer.from(signatures[0].sig, 'base64')]
  for (let at = 0; at < statement.length; at++)
    await tries(flipped(statement, at, 1).toString('base64'), signatures[0].sig)
  for (let at = 0; at < signature.length; at++) await tries(payload, flipped(signature, at, 1).toString('base64'))
})

test('refuses every change of one byte of a signed manifest', async () => {
  const repository = new FakeRepository()
  WAYS['tag']?.(repository, TRUSTED, MANIFEST.digest)
  const at = world()
  for (let place = 0; place < MANIFEST.bytes.length; place++) {
    const bytes = flipped(Buffer.from(MANIFEST.bytes), place, 1)
    await assert.rejects(ask(at, repository, { chain: [{ digest: MANIFEST.digest, bytes }] }), {
      reason: 'DIGEST_MISMATCH',
    })
    // The same bytes under their own digest are another image, or none at all.
    await assert.rejects(ask(at, repository, { chain: [{ digest: digestOf(bytes), bytes }] }))
  }
  assert.equal(at.records.length, 0)
})

function flipped(bytes: Buffer, at: number, bits: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ bits
  return changed
}

test('refuses a payload that says it is something else, and one with more that is critical', async () => {
  const good = JSON.parse(payloadOf(MANIFEST.digest, REPOSITORY).toString())
  const payloads = [
    { ...good, critical: { ...good.critical, type: 'atomic container signature' } },
    { ...good, critical: { ...good.critical, 'not-before': 'tomorrow' } },
    { ...good, critical: { ...good.critical, image: { 'docker-manifest-digest': 'sha1:00' } } },
    { critical: [] },
    [],
    null,
  ].map((json) => Buffer.from(JSON.stringify(json)))
  const twice = payloadOf(MANIFEST.digest, REPOSITORY).toString().replace('{"critical"', '{"critical":{},"critical"')
  for (const bytes of [...payloads, Buffer.from(twice), Buffer.from([0xff, 0xfe])]) {
    const repository = new FakeRepository()
    const annotations = { [SIGNATURE_ANNOTATION]: TRUSTED.sign(bytes).toString('base64') }
    repository.tag(MANIFEST.digest, [{ mediaType: SIMPLE_SIGNING_TYPE, bytes, annotations }])
    await assert.rejects(ask(world(), repository), REQUIRED)
  }
})

test('an attestation of a trusted key is no signature', async () => {
  const repository = new FakeRepository()
  repository.referBundle(MANIFEST.digest, bundleOf(TRUSTED, MANIFEST.digest, 'https://slsa.dev/provenance/v1'))
  await assert.rejects(ask(world({ default: signedBy([TRUSTED], ANY_NAME) }), repository), REQUIRED)
})

test('a signature counts for the repository it was made for only', async () => {
  const cases = [
    ['matchRepository', REPOSITORY, true],
    ['matchRepository', `${REPOSITORY}:other`, true],
    ['matchRepository', 'registry.example.com/team/other', false],
    ['matchRepository', 'evil.example.com/team/app', false],
    ['matchRepository', '', false],
    ['matchRepository', '../../etc', false],
    ['matchExact', NAME, true],
    ['matchExact', REPOSITORY, false],
    ['matchExact', `${REPOSITORY}:2`, false],
    ['matchRepoDigestOrExact', NAME, true],
    ['matchRepoDigestOrExact', REPOSITORY, false],
    ['matchAny', 'evil.example.com/x', true],
  ] as const
  for (const [type, signed, isRight] of cases) {
    const at = world({ default: signedBy([TRUSTED], { identity: { type } }) })
    const repository = new FakeRepository()
    repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, signed)])
    const asked = ask(at, repository)
    if (isRight) assert.equal((await asked).state, 'verified', `${type} ${signed}`)
    else await assert.rejects(asked, REQUIRED, `${type} ${signed}`)
  }
  const byDigest = world({ default: signedBy([TRUSTED], { identity: { type: 'matchRepoDigestOrExact' } }) })
  const repository = new FakeRepository()
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  const reference = `${REPOSITORY}@${MANIFEST.digest}`
  assert.equal((await ask(byDigest, repository, { reference })).state, 'verified')
})

test('a mirror is judged by the name that was signed', async () => {
  const remap = { prefix: 'mirror.example.com/copies', signedPrefix: 'registry.example.com' }
  const at = world({ default: signedBy([TRUSTED], { identity: { type: 'matchRepository', remap } }) })
  const repository = new FakeRepository()
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  const asked = ask(at, repository, { reference: 'mirror.example.com/copies/team/app:1' })
  assert.equal((await asked).state, 'verified')
  await assert.rejects(ask(at, repository, { reference: 'mirror.example.com/copiesx/team/app:1' }), REQUIRED)
})

test('a threshold wants different keys', async () => {
  const second = signer('ed25519')
  const at = world({ default: signedBy([TRUSTED, second], { threshold: 2 }) })
  const repository = new FakeRepository()
  const layers = [1, 2].map(() => signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY))
  repository.tag(MANIFEST.digest, layers)
  await assert.rejects(ask(at, repository), { ...REQUIRED, message: /1 of 2 signatures/ })
  repository.tag(MANIFEST.digest, [...layers, signedLayer(second, MANIFEST.digest, REPOSITORY)])
  assert.equal((await ask(at, repository)).keys.length, 2)
})

test('the policy says whether the index or the manifest has to be signed', async () => {
  const chain = [INDEX, MANIFEST]
  for (const [level, signed, isRight] of [
    ['any', INDEX, true],
    ['any', MANIFEST, true],
    ['index', INDEX, true],
    ['index', MANIFEST, false],
    ['manifest', INDEX, false],
    ['manifest', MANIFEST, true],
  ] as const) {
    const at = world({ default: signedBy([TRUSTED], { level }) })
    const repository = new FakeRepository()
    repository.tag(signed.digest, [signedLayer(TRUSTED, signed.digest, REPOSITORY)])
    if (isRight) assert.equal((await ask(at, repository, { chain })).state, 'verified')
    else await assert.rejects(ask(at, repository, { chain }), REQUIRED, level)
  }
})

test('a signed index does not vouch for a child that it does not name (SUP-06)', async () => {
  const at = world()
  const repository = new FakeRepository()
  repository.tag(INDEX.digest, [signedLayer(TRUSTED, INDEX.digest, REPOSITORY)])
  const swapped = manifestOf('evil')
  const refusal = { code: 'data-loss', reason: 'DIGEST_MISMATCH' }
  await assert.rejects(ask(at, repository, { chain: [INDEX, swapped] }), refusal)
  await assert.rejects(ask(at, repository, { chain: [INDEX, { ...swapped, digest: MANIFEST.digest }] }), refusal)
  await assert.rejects(ask(at, repository, { chain: [MANIFEST, swapped] }), refusal)
  await assert.rejects(ask(at, repository, { chain: [INDEX] }), { reason: 'NOT_AN_IMAGE' })
  assert.equal(at.records.length, 0)
})

test('never asks again what the tag means, so a tag that flips changes nothing (SUP-04)', async () => {
  const at = world()
  const repository = new FakeRepository()
  const evil = manifestOf('evil')
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  let flips = 0
  repository.before = () => {
    const which = flips++ % 2 === 0 ? evil : MANIFEST
    repository.tags.set('1', which.digest)
    repository.manifests.set(which.digest, Buffer.from(which.bytes))
  }
  for (let round = 0; round < 4; round++) {
    assert.equal((await ask(at, repository)).state, 'verified')
    await assert.rejects(ask(at, repository, { chain: [evil] }), REQUIRED)
  }
  const tags = repository.asked.filter((question) => /^manifest (?!sha256)/.test(question))
  assert.deepEqual(tags, [])
  assert.deepEqual(new Set(at.records.map(({ digest }) => digest)), new Set([MANIFEST.digest]))
})

test('what was found right once needs no registry, and counts under the keys of the moment', async () => {
  const at = world()
  const repository = new FakeRepository()
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  await ask(at, repository)
  const asked = repository.asked.length
  await ask(at, repository)
  await ask(at)
  assert.equal(repository.asked.length, asked)

  at.setPolicy({ default: signedBy([STRANGER]) })
  await assert.rejects(ask(at), REQUIRED)
  at.setPolicy({ default: signedBy([STRANGER, TRUSTED]) })
  assert.equal((await ask(at)).state, 'verified')
  at.setPolicy({ default: signedBy([TRUSTED], { identity: { type: 'matchExact' } }) })
  await assert.rejects(ask(at), REQUIRED)
})

test('a key that has expired does not count any more', async () => {
  const key = { pem: TRUSTED.pem, expires: '2026-07-01T00:00:00Z' }
  const at = world({ default: { type: 'signedBy', keys: [key] } })
  const repository = new FakeRepository()
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  const { untilMs } = await ask(at, repository)
  assert.equal(untilMs, Date.parse(key.expires))
  at.clockMs = untilMs - 1
  assert.equal((await ask(at)).state, 'verified')
  at.clockMs = untilMs
  await assert.rejects(ask(at, repository), REQUIRED)
})

test('a policy that changes while signatures are looked for is the one that counts', async () => {
  const at = world()
  const repository = new FakeRepository()
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  repository.before = (question) => {
    if (question.startsWith('blob')) at.setPolicy({ default: { type: 'reject' } })
  }
  await assert.rejects(ask(at, repository), { code: 'permission-denied', reason: 'IMAGE_REJECTED' })

  const broken = world()
  const why = new CaissonError('failed-precondition', 'broken', { reason: 'POLICY_UNREADABLE' })
  repository.before = () => broken.setPolicy(why)
  await assert.rejects(ask(broken, repository), { reason: 'POLICY_UNREADABLE' })
})

test('other rules: reject refuses, warn accepts and knows the difference, anything asks nobody', async () => {
  const repository = new FakeRepository()
  const state = async (rule: object) => (await ask(world({ default: rule }), repository)).state
  await assert.rejects(state({ type: 'reject' }), {
    code: 'permission-denied',
    reason: 'IMAGE_REJECTED',
    message: /default/,
  })
  assert.equal(await state({ type: 'insecureAcceptAnything' }), 'unchecked')
  assert.equal(await state({ type: 'warn' }), 'accepted_unsigned')
  assert.deepEqual(repository.asked, [])
  assert.equal(await state({ ...signedBy(), type: 'warn' }), 'accepted_unsigned')
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  assert.equal(await state({ ...signedBy(), type: 'warn' }), 'verified')
})

test('tries at most 50 of a flood of junk (SUP-07)', async () => {
  const repository = new FakeRepository()
  const junk = Array.from({ length: 400 }, (_, at) => ({
    ...signedLayer(STRANGER, MANIFEST.digest, REPOSITORY),
    bytes: Buffer.from(`junk ${at}`),
  }))
  repository.tag(MANIFEST.digest, junk)
  const descriptor = repository.referSimple(MANIFEST.digest, signedLayer(STRANGER, MANIFEST.digest, REPOSITORY))
  repository.referring.set(MANIFEST.digest, Array(100_000).fill(descriptor))
  await assert.rejects(ask(world(), repository), REQUIRED)
  assert.ok(repository.asked.filter((question) => question.startsWith('blob')).length <= 50)
  assert.ok(repository.asked.length <= 110, `${repository.asked.length} questions`)
})

test('fetches no payload that says it is huge, and stops at one that lies about it (SUP-07)', async () => {
  const repository = new FakeRepository()
  const layer = signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)
  repository.tag(MANIFEST.digest, [layer])
  const [tag = ''] = [...repository.tags.keys()]
  const honest = repository.manifests.get(repository.tags.get(tag) ?? '')?.toString() ?? ''
  const huge = Buffer.from(honest.replace(`"size":${layer.bytes.length}`, `"size":${2 ** 30}`))
  repository.manifests.set('huge', huge)
  repository.tags.set(tag, 'huge')
  await assert.rejects(ask(world(), repository), REQUIRED)
  assert.ok(!repository.asked.some((question) => question.startsWith('blob')))

  repository.tag(MANIFEST.digest, [layer])
  let sent = 0
  repository.blob = async () => ({ offset: 0, size: 0, chunks: endless(() => sent++) })
  await assert.rejects(ask(world(), repository), REQUIRED)
  assert.ok(sent < 10)
})

async function* endless(count: () => void): AsyncGenerator<Buffer> {
  for (;;) {
    count()
    yield Buffer.alloc(1000)
  }
}

test('gives up after its time, even on a source that never answers (SUP-07)', async () => {
  const repository = new FakeRepository()
  repository.before = () => new Promise(() => {})
  const at = world(undefined, { ...BOUNDS, timeoutMs: 20 })
  await assert.rejects(ask(at, repository), { ...REQUIRED, message: /took too long/ })
})

test('stops when the caller does', async () => {
  const repository = new FakeRepository()
  const caller = new AbortController()
  repository.before = () => {
    caller.abort()
    return new Promise(() => {})
  }
  await assert.rejects(ask(world(), repository, { signal: caller.signal }), { name: 'AbortError' })
})

test('junk in any place is passed over, and the right signature beside it counts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.json(), async (bytes, annotation, json) => {
      const repository = new FakeRepository()
      const annotations = { [SIGNATURE_ANNOTATION]: annotation }
      const simple = { mediaType: SIMPLE_SIGNING_TYPE, bytes, annotations }
      repository.tag(MANIFEST.digest, [simple, { ...simple, bytes: Buffer.from(json) }])
      repository.referBundle(MANIFEST.digest, bytes)
      repository.referBundle(MANIFEST.digest, Buffer.from(json))
      const broken = repository.referBundle(MANIFEST.digest, Buffer.from(annotation))
      repository.manifests.set(broken.digest, Buffer.from(bytes))
      await assert.rejects(ask(world(), repository), REQUIRED)
      repository.referSimple(MANIFEST.digest, signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY))
      assert.equal((await ask(world(), repository)).state, 'verified')
    }),
    { numRuns: 50 },
  )
})

test('a registry that cannot be asked is told apart from one without signatures (SUP-09)', async () => {
  const repository = new FakeRepository()
  repository.before = () => {
    throw unavailable('REGISTRY_DOWN', 'the registry is down')
  }
  const at = world()
  await assert.rejects(ask(at, repository), {
    code: 'unavailable',
    reason: 'SIGNATURES_UNAVAILABLE',
    message: /is down/,
  })
  repository.before = (question) => {
    if (question.startsWith('referrers')) throw unavailable('REGISTRY_DOWN', 'the registry is down')
  }
  repository.tag(MANIFEST.digest, [signedLayer(TRUSTED, MANIFEST.digest, REPOSITORY)])
  assert.equal((await ask(at, repository)).state, 'verified')
})

test('looks for cosign signatures and bundles by their types', async (t: TestContext) => {
  const repository = new FakeRepository()
  const types: (string | undefined)[] = []
  t.mock.method(repository, 'referrers', async (_subject: Digest, type: string | undefined) => {
    types.push(type)
    return []
  })
  await assert.rejects(ask(world(), repository), REQUIRED)
  assert.deepEqual(types, [BUNDLE_TYPE, COSIGN_ARTIFACT])
  assert.deepEqual(repository.asked, [`manifest ${MANIFEST.digest.replace(':', '-')}.sig`])
})

test('the refusal names image, rule and what to do', async () => {
  const at = world({ rules: [{ scope: 'registry.example.com/team', ...signedBy() }] })
  await assert.rejects(ask(at), {
    message:
      "image registry.example.com/team/app:1 must be signed (the trust policy's rule for registry.example.com/team), and " +
      'no signature of a key that it trusts is known: pull it from where its signatures are, or have it signed',
  })
  assert.deepEqual(at.events, [`rejected ${MANIFEST.digest} SIGNATURE_REQUIRED`])
})
