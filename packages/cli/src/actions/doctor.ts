import type { Context } from '../context.ts'
import { examine } from '../doctor/examine.ts'
import type { Finding, Level } from '../doctor/finding.ts'
import { thisHost } from '../doctor/host.ts'
import { printable } from '../output/printable.ts'
import type { Action } from '../spec.ts'

/** Checks the host, and says how to mend what is missing. */
export const doctor: Action = async ({ layout, out, installation }) => {
  const findings = await examine(thisHost(), layout, installation.servicesDir)
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length
  if (out.json) out.document(findings)
  else {
    for (const finding of findings) show(out, finding)
    out.line('')
    out.line(`${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} to mend`)
  }
  return count('fail') > 0 ? 1 : 0
}

function show(out: Context['out'], { name, level, found, mend }: Finding): void {
  const paint = { ok: out.colors.green, warn: out.colors.yellow, fail: out.colors.red }[level]
  out.line(`${paint(level.padEnd(4))}  ${name.padEnd(20)} ${printable(found)}`)
  if (mend !== '') out.line(`      ${' '.repeat(20)} ${out.colors.dim('→')} ${mend}`)
}
