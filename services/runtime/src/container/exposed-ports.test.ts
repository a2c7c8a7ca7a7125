import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someContainer } from '../fake-access.fixture.ts'
import { withExposedPorts } from './exposed-ports.ts'
import type { ContainerSpec, PortSpec } from './spec.ts'

const { spec } = someContainer('one')
const plain = { transport: 'tcp', hostAddress: '', hostPort: 0, count: 1 } as const
const publishing = (ports?: readonly PortSpec[]): ContainerSpec => ({
  ...spec,
  network: { ...spec.network, publishAll: true, ...(ports && { ports }) },
})

test('publishes what the image exposes on free ports, when it is to publish all', () => {
  const { ports } = withExposedPorts(publishing(), ['80', '53/udp', '8000-8010/tcp', '9/sctp']).network
  assert.deepEqual(ports, [
    { ...plain, containerPort: 80 },
    { ...plain, containerPort: 53, transport: 'udp' },
    { ...plain, containerPort: 8000, count: 11 },
    { ...plain, containerPort: 9, transport: 'sctp' },
  ])
})

test('leaves a port where it was published by name, and what is no port out', () => {
  const named: PortSpec = { ...plain, hostPort: 8080, containerPort: 80 }
  const { ports } = withExposedPorts(publishing([named]), [
    '80/tcp',
    '80/udp',
    '0',
    '70000',
    '9-1',
    'x/tcp',
    '',
  ]).network
  assert.deepEqual(ports, [named, { ...plain, containerPort: 80, transport: 'udp' }])
})

test('without being told publishes nothing', () => {
  assert.equal(withExposedPorts(spec, ['80']), spec)
})
