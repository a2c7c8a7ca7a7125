import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinuxDeviceRule } from '@caisson/oci'
import fc from 'fast-check'
import { DEFAULT_DEVICE_RULES, type DevicePolicy, deviceLines, devicePolicy } from './device-policy.ts'
import { deviceProgram } from './device-program.ts'
import { simulateDeviceProgram } from './ebpf-simulator.fixture.ts'

const [BLOCK, CHARACTER] = [1, 2]
const [MKNOD, READ, WRITE] = [1, 2, 4]

/** What a policy says, read off it as the version 1 controller reads its list. */
function says(policy: DevicePolicy, type: number, access: number, major: number, minor: number): boolean {
  const fitting = policy.exceptions.filter(
    (exception) =>
      (exception.type === 'b') === (type === BLOCK) &&
      (exception.major ?? major) === major &&
      (exception.minor ?? minor) === minor,
  )
  if (policy.isAllowed) return !fitting.some((exception) => (exception.access & access) !== 0)
  return fitting.some((exception) => (exception.access & access) === access)
}

const number = fc.option(fc.constantFrom(0, 1, 3, 5, 136, 0xffff_ffff, -1), { nil: undefined })
const rule: fc.Arbitrary<LinuxDeviceRule> = fc
  .record({
    allow: fc.boolean(),
    type: fc.constantFrom('a', 'b', 'c', undefined),
    major: number,
    minor: number,
    access: fc.constantFrom('r', 'w', 'm', 'rw', 'rwm', 'mr', '', undefined),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never)

test('compiles any rules to what the version 1 controller would do', () => {
  const request = fc.tuple(fc.constantFrom(BLOCK, CHARACTER), fc.integer({ min: 1, max: 7 }), fc.nat(140), fc.nat(5))
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), fc.array(request, { minLength: 20 }), (rules, requests) => {
      const policy = devicePolicy(rules)
      const program = deviceProgram(policy)
      for (const asked of requests) {
        assert.equal(simulateDeviceProgram(program, ...asked), says(policy, ...asked), asked.join(' '))
      }
    }),
    { numRuns: 500 },
  )
})

test('lets a container use the devices of its /dev and no disk', () => {
  const program = deviceProgram(devicePolicy(DEFAULT_DEVICE_RULES))
  const may = (type: number, access: number, major: number, minor: number) =>
    simulateDeviceProgram(program, type, access, major, minor)
  for (const minor of [3, 5, 7, 8, 9]) assert.ok(may(CHARACTER, READ | WRITE, 1, minor))
  assert.ok(may(CHARACTER, READ | WRITE, 136, 77))
  assert.ok(may(BLOCK, MKNOD, 8, 0))
  assert.ok(!may(BLOCK, READ, 8, 0))
  assert.ok(!may(CHARACTER, READ, 1, 1))
  assert.ok(!may(CHARACTER, READ | MKNOD, 1, 1))
})

test('writes the lines of the version 1 controller', () => {
  assert.deepEqual(deviceLines(devicePolicy(DEFAULT_DEVICE_RULES)).slice(0, 4), [
    { file: 'devices.deny', value: 'a' },
    { file: 'devices.allow', value: 'c *:* m' },
    { file: 'devices.allow', value: 'b *:* m' },
    { file: 'devices.allow', value: 'c 1:3 rwm' },
  ])
  const rules: LinuxDeviceRule[] = [
    { allow: true, access: 'rwm' },
    { allow: false, type: 'b', access: 'w' },
    { allow: true, type: 'c', major: 1, minor: 3, access: 'r' },
  ]
  assert.deepEqual(deviceLines(devicePolicy(rules)), [
    { file: 'devices.allow', value: 'a' },
    { file: 'devices.deny', value: 'b *:* w' },
  ])
})

test('joins what several rules grant for one device', () => {
  const granted = devicePolicy([
    { allow: true, type: 'c', major: 10, minor: 200, access: 'r' },
    { allow: true, type: 'c', major: 10, minor: 200, access: 'w' },
    { allow: true, type: 'c', major: 10, minor: 200, access: 'm' },
    { allow: false, type: 'c', major: 10, minor: 200, access: 'm' },
  ])
  assert.deepEqual(granted.exceptions, [{ type: 'c', major: 10, minor: 200, access: READ | WRITE }])
})

test('refuses rules that make no sense', () => {
  const bad = [
    { allow: true, type: 'x' },
    { allow: true, access: 'rx' },
    { allow: true, access: '__proto__' },
    { allow: true, major: -2 },
    { allow: true, minor: 2 ** 32 },
    { allow: true, major: 1.5 },
  ]
  for (const each of bad) assert.throws(() => devicePolicy([each as never]), { reason: 'DEVICE_RULE_INVALID' })
})
