import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Debian's. */
const EXECUTABLE = '/usr/bin/chromium'

/** For `skip`: a reason when there is no browser. */
export const needsChromium: string | false = existsSync(EXECUTABLE)
  ? false
  : `${EXECUTABLE} is missing: install the package chromium`

export async function openChromium(): Promise<Browser> {
  // The sandbox of a browser that root runs does not start; the pages are our own.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath: EXECUTABLE, args: [...args, '--disable-gpu'] })
}
