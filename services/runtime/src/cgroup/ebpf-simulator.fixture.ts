import assert from 'node:assert/strict'

/** Runs a device program as the kernel would; true: allowed. For tests. */
export function simulateDeviceProgram(
  program: Uint8Array,
  type: number,
  access: number,
  major: number,
  minor: number,
): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const context = [((access << 16) | type) >>> 0, major >>> 0, minor >>> 0]
  const registers: number[] = []
  const register = (number: number): number =>
    registers[number] ?? assert.fail(`r${number} is read before it is written`)
  for (let at = 0; at < program.byteLength / 8; at++) {
    const op = view.getUint8(at * 8)
    const [to, from] = [view.getUint8(at * 8 + 1) & 15, view.getUint8(at * 8 + 1) >> 4]
    const offset = view.getInt16(at * 8 + 2, true)
    const constant = view.getUint32(at * 8 + 4, true)
    if (op === 0x95) return registers[0] === 1
    else if (op === 0x61) registers[to] = context[offset / 4] ?? assert.fail(`loads from ${offset}`)
    else if (op === 0xb4) registers[to] = constant
    else if (op === 0xbc) registers[to] = register(from)
    else if (op === 0x54) registers[to] = (register(to) & constant) >>> 0
    else if (op === 0x74) registers[to] = register(to) >>> constant
    else if (op === 0x56) at += register(to) !== constant ? offset : 0
    else if (op === 0x16) at += register(to) === constant ? offset : 0
    else if (op === 0x5e) at += register(to) !== register(from) ? offset : 0
    else assert.fail(`instruction ${at} has the code ${op}`)
  }
  assert.fail('the program runs off its end')
}
