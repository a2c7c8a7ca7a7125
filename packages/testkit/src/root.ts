/** For `test(..., { skip: needsRoot() })`: false as root, otherwise the reason that is printed. */
export function needsRoot(): false | string {
  return process.getuid?.() === 0 ? false : 'needs root'
}
