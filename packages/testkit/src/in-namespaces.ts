import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const MARK = 'CAISSON_TEST_IN_NAMESPACES'

/**
 * Puts a whole test file into network and mount namespaces of its own, so that nothing it does reaches the machine: call
 * it before the first test, `const skip = inNamespaces()`, and give `{ skip }` to each test. Outside it runs the file
 * again inside, with the same arguments and the same output, and ends the process with that one's status. Inside it
 * returns false. Without root it returns the reason to skip.
 */
export function inNamespaces(): false | string {
  if (process.env[MARK] === '1') {
    // A new namespace has what the host has: forwarding too, when somebody turned it on there.
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '0')
    return false
  }
  if (process.getuid?.() !== 0) return 'needs root for namespaces of its own'
  const command = ['--net', '--mount', process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const ran = spawnSync('unshare', command, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } })
  if (ran.error !== undefined) return `needs unshare from util-linux: ${ran.error.message}`
  if (ran.signal !== null) console.error(`the test file was ended by ${ran.signal}`)
  process.exit(ran.status ?? 1)
}
