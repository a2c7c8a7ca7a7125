/**
 * The content of a file of lines that somebody else writes to as well: lines of `before` that are not in `after` go, lines
 * of `after` come; the rest stays as it is. Doing it twice changes nothing more.
 */
export function mergeLines(current: string, before: string, after: string): string {
  if (current === before || current === after) return after
  const [own, wanted] = [linesOf(before), linesOf(after)]
  const kept = linesOf(current).filter((line) => line === '' || wanted.includes(line) || !own.includes(line))
  const missing = wanted.filter((line) => !kept.includes(line))
  return [...kept, ...missing].map((line) => `${line}\n`).join('')
}

/** A last line without its end is a line too. */
function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}
