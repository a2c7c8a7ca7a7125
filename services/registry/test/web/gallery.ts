import { gzipSync } from 'node:zlib'
import { type Digest, MEDIA_TYPE } from '@caisson/oci'
import { type Client, descriptorOf, type Manifest, manifestOf } from '../client.ts'
import { blobOf } from '../registry.ts'

/** A fence that markup could break out of. */
export const SCRIPT = `"'><script>document.title = 'broken'</script><img src=x onerror="document.title = 'broken'">`
/** Shows as "user‮nimda‬" would: backwards. */
export const BIDI = 'user\u202Enimda\u202C'

const CREATED = '2026-11-20T08:30:00Z'

/** An ordinary image for two platforms, with an attestation and a signature. */
export async function pushApp(client: Client, repository: string): Promise<{ index: Manifest; amd64: Manifest }> {
  const amd64 = await pushPlatform(client, repository, 'amd64', 9_300_000)
  const arm64 = await pushPlatform(client, repository, 'arm64', 8_100_000)
  const attestation = await client.pushImage(repository, 'attestation', blobOf(900), {
    annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' },
  })
  const children = [
    { ...listed(amd64), platform: { os: 'linux', architecture: 'amd64' } },
    { ...listed(arm64), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    {
      ...listed(attestation),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    },
  ]
  const index = manifestOf({ manifests: children }, MEDIA_TYPE.ociIndex)
  for (const tag of ['1.4.2', 'latest']) await client.pushManifest(repository, tag, index)
  await pushSignature(client, repository, index, 'application/vnd.dev.cosign.artifact.sig.v1+json')
  return { index, amd64 }
}

async function pushPlatform(client: Client, repository: string, architecture: string, size: number): Promise<Manifest> {
  const layers = [blobOf(size), blobOf(2_400_000), gzipSync(blobOf(3_000))]
  const config = json({
    ...{ architecture, os: 'linux', created: CREATED, author: 'Ada Lovelace <ada@example.com>' },
    config: {
      Entrypoint: ['/usr/local/bin/docker-entrypoint.sh'],
      Cmd: ['postgres', '-c', 'shared_buffers=256MB'],
      Env: ['PATH=/usr/local/bin:/usr/bin', 'POSTGRES_PASSWORD=tr0ub4dor', 'LANG=C.UTF-8'],
      User: '999:999',
      WorkingDir: '/var/lib/postgresql',
      ExposedPorts: { '5432/tcp': {} },
      Volumes: { '/var/lib/postgresql/data': {} },
      StopSignal: 'SIGINT',
      Labels: {
        'org.opencontainers.image.source': 'https://git.example/team/app',
        'org.opencontainers.image.version': '1.4.2',
        'org.opencontainers.image.description': 'Orders, invoices and everything between.\nWritten with care.',
      },
    },
    history: [
      { created: CREATED, created_by: '/bin/sh -c #(nop) ADD file:0f2c4d in / ' },
      { created: CREATED, created_by: '/bin/sh -c #(nop)  ENV LANG=C.UTF-8', empty_layer: true },
      {
        created: CREATED,
        created_by: 'RUN /bin/sh -c apt-get update && apt-get install -y postgresql && rm -rf /var/lib/apt/lists/*',
        comment: 'buildkit.dockerfile.v0',
      },
      { created: CREATED, created_by: 'COPY docker-entrypoint.sh /usr/local/bin/ # buildkit' },
      { created: CREATED, created_by: 'ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]', empty_layer: true },
    ],
  })
  for (const blob of [config, ...layers]) await client.pushBlob(repository, blob)
  const manifest = manifestOf({
    config: descriptorOf(config, MEDIA_TYPE.ociConfig),
    layers: layers.map((layer) => descriptorOf(layer, MEDIA_TYPE.ociLayerGzip)),
  })
  await client.pushManifest(repository, manifest.digest, manifest)
  return manifest
}

export async function pushSignature(client: Client, repository: string, of: Manifest, type: string): Promise<Digest> {
  const config = Buffer.from('{}')
  const layer = blobOf(200)
  for (const blob of [config, layer]) await client.pushBlob(repository, blob)
  const manifest = manifestOf({
    artifactType: type,
    config: descriptorOf(config, MEDIA_TYPE.ociEmpty),
    layers: [
      {
        ...descriptorOf(layer, 'application/octet-stream'),
        annotations: { 'org.opencontainers.image.title': 'signature.bin' },
      },
    ],
    subject: listed(of),
    annotations: { 'org.opencontainers.image.created': CREATED },
  })
  await client.pushManifest(repository, manifest.digest, manifest)
  return manifest.digest
}

/** Everything that its author can write holds markup, hidden characters, or far too much. */
export async function pushHostile(client: Client, repository: string): Promise<Manifest> {
  const layer = blobOf(700)
  const config = json({
    ...{ architecture: SCRIPT, os: BIDI, created: SCRIPT, author: SCRIPT },
    config: {
      Entrypoint: [SCRIPT],
      Cmd: [BIDI, 7, null],
      Env: [`${SCRIPT}=secret`, 'no-equals-sign', 'KEY=in-the-clear'],
      User: SCRIPT,
      WorkingDir: SCRIPT,
      ExposedPorts: { [SCRIPT]: {} },
      Volumes: { [SCRIPT]: {} },
      StopSignal: SCRIPT,
      Labels: {
        [SCRIPT]: SCRIPT,
        bidi: BIDI,
        huge: 'x'.repeat(300_000),
        piled: `Z${'\u0334'.repeat(5_000)}`,
        hidden: 'a\u200Bb\u0000c\u{E0041}',
        number: 7,
      },
    },
    history: [{ created_by: SCRIPT, comment: SCRIPT }, 'no step', ...Array.from({ length: 500 }, () => ({}))],
  })
  for (const blob of [config, layer]) await client.pushBlob(repository, blob)
  const manifest = manifestOf({
    config: descriptorOf(config, MEDIA_TYPE.ociConfig),
    layers: [descriptorOf(layer, SCRIPT)],
    annotations: { [SCRIPT]: SCRIPT, bidi: BIDI, huge: 'y'.repeat(200_000) },
  })
  await client.pushManifest(repository, 'latest', manifest)
  const index = manifestOf(
    {
      manifests: [{ ...listed(manifest), platform: { os: SCRIPT, architecture: BIDI }, artifactType: SCRIPT }],
      annotations: { [SCRIPT]: SCRIPT },
    },
    MEDIA_TYPE.ociIndex,
  )
  await client.pushManifest(repository, 'index', index)
  await pushSignature(client, repository, manifest, SCRIPT)
  return manifest
}

const listed = ({ bytes, digest, mediaType }: Manifest) => ({ mediaType, digest, size: bytes.byteLength })
const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
