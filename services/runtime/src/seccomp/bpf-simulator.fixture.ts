import assert from 'node:assert/strict'

/** A system call as a filter sees it. For tests. */
export interface SeccompData {
  readonly audit: number
  readonly number: number
  readonly args: readonly bigint[]
}

const ARGS_OFFSET = 16

/** Runs a filter as the kernel would, and fails where the kernel would refuse to load it. */
export function simulate(program: Uint8Array, data: SeccompData): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const count = program.byteLength / 8
  let accumulator = 0
  for (let at = 0; at < count; at++) {
    const code = view.getUint16(at * 8, true)
    const [jt, jf] = [view.getUint8(at * 8 + 2), view.getUint8(at * 8 + 3)]
    const k = view.getUint32(at * 8 + 4, true)
    if (code === 0x06) return k
    else if (code === 0x20) accumulator = word(data, k)
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0
    else if (code === 0x05) at += k
    else if (code === 0x15) at += accumulator === k ? jt : jf
    else if (code === 0x25) at += accumulator > k ? jt : jf
    else if (code === 0x35) at += accumulator >= k ? jt : jf
    else assert.fail(`instruction ${at} has the code ${code}`)
  }
  assert.fail('the program runs off its end')
}

function word(data: SeccompData, offset: number): number {
  if (offset === 0) return data.number >>> 0
  if (offset === 4) return data.audit
  const argument = data.args[(offset - ARGS_OFFSET) >> 3] ?? assert.fail(`loads from ${offset}`)
  return Number(offset % 8 === 0 ? argument & 0xffff_ffffn : argument >> 32n)
}

/** Every jump lands inside the program, and its last instruction returns. */
export function assertLoadable(program: Uint8Array): void {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const count = program.byteLength / 8
  assert.ok(count > 0 && count <= 4096, `${count} instructions`)
  assert.equal(view.getUint16((count - 1) * 8, true), 0x06)
  for (let at = 0; at < count - 1; at++) {
    const code = view.getUint16(at * 8, true)
    const isBranch = code === 0x15 || code === 0x25 || code === 0x35
    const far = isBranch ? Math.max(view.getUint8(at * 8 + 2), view.getUint8(at * 8 + 3)) : 0
    assert.ok(at + 1 + far < count && (code !== 0x05 || at + 1 + view.getUint32(at * 8 + 4, true) < count))
  }
}
