const ELF_MAGIC = 0x7f454c46
const PT_INTERP = 3

/** Whether a file is a 64-bit program that needs no dynamic loader: an image of it alone can run (elf(5)). */
export function isStaticProgram(file: Buffer): boolean {
  if (file.length < 64 || file.readUInt32BE(0) !== ELF_MAGIC || file[4] !== 2 || file[5] !== 1) return false
  const [offset, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
  for (let index = 0; index < count; index += 1) {
    const at = offset + index * size
    if (at + 4 > file.length) return false
    if (file.readUInt32LE(at) === PT_INTERP) return false
  }
  return true
}
