import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostPlatform } from '@caisson/oci'
import { bestFit, wantedPlatform } from './platform.ts'

test('takes what is left open from the host, and nothing from nothing', () => {
  assert.equal(wantedPlatform(undefined), undefined)
  assert.equal(wantedPlatform({ os: '', architecture: '', variant: '' }), undefined)
  assert.deepEqual(wantedPlatform({ os: '', architecture: 'arm64', variant: '' }), {
    os: 'linux',
    architecture: 'arm64',
  })
  const { architecture } = hostPlatform()
  assert.equal(wantedPlatform({ os: 'linux', architecture: '', variant: '' })?.architecture, architecture)
  assert.throws(() => wantedPlatform({ os: 'linux', architecture: '../x', variant: '' }), {
    reason: 'INVALID_PLATFORM',
  })
})

test('chooses the best variant that runs', () => {
  const offer = (architecture: string, variant?: string) => ({
    platform: { os: 'linux', architecture, ...(variant && { variant }) },
  })
  const arm = { os: 'linux', architecture: 'arm', variant: 'v7' }
  assert.deepEqual(bestFit([offer('arm', 'v5'), offer('arm', 'v6'), offer('amd64')], arm), offer('arm', 'v6'))
  assert.equal(bestFit([offer('arm64')], arm), undefined)
})
