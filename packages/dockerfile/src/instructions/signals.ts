const NAMES =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU ' +
  'XFSZ VTALRM PROF WINCH IO PWR SYS IOT CLD POLL UNUSED RTMIN RTMAX'
const SIGNALS: ReadonlySet<string> = new Set(NAMES.split(' '))

/** Whether STOPSIGNAL may name it: "SIGTERM", "term", "15", "SIGRTMIN+3", "RTMAX-2". */
export function isSignal(text: string): boolean {
  if (/^[0-9]{1,2}$/.test(text)) return Number(text) >= 1 && Number(text) <= 64
  const name = text.toUpperCase().replace(/^SIG/, '')
  return SIGNALS.has(name) || /^RTMIN\+([0-9]|[12][0-9]|30)$/.test(name) || /^RTMAX-([0-9]|[12][0-9]|30)$/.test(name)
}
