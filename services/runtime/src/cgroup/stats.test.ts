import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseLimit } from './file.ts'
import type { CgroupHost } from './host.ts'
import { readCgroupStats } from './stats.ts'

function tree(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'caisson-stats-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const bare = { enginePath: 'e', hasSwapLimit: true, ioFiles: new Set<string>() }

test('reads what a version 2 group uses', async (t) => {
  const root = tree(t, {
    'cpu.stat': 'usage_usec 7\nuser_usec 4\nsystem_usec 3\nnr_periods 9\nnr_throttled 2\nthrottled_usec 5\n',
    'memory.current': '1000\n',
    'memory.stat': 'anon 600\nfile 300\nkernel 50\nshmem 20\ninactive_file 250\npgfault 8\npgmajfault 1\n',
    'memory.max': 'max\n',
    'memory.peak': '1500\n',
    'memory.swap.current': '30\n',
    'memory.swap.max': '64\n',
    'memory.events': 'low 0\nhigh 0\nmax 4\noom 2\noom_kill 1\n',
    'pids.current': '3\n',
    'pids.max': '100\n',
    'io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n254:16 rbytes=5 wbytes=0 rios=1 wios=0\n7:0 \n',
  })
  const unifiedControllers = new Set(['cpu', 'memory', 'pids', 'io'])
  const host: CgroupHost = { ...bare, layout: { mode: 'v2', v1: [] }, unifiedControllers }
  const stats = await readCgroupStats(host, { unified: root, v1: [] })
  assert.deepEqual(stats.cpu, {
    ...{ usageNs: 7000, userNs: 4000, systemNs: 3000, periods: 9, throttledPeriods: 2, throttledNs: 5000 },
  })
  assert.deepEqual(stats.memory, {
    ...{ usage: 1000, workingSet: 750, anonymous: 600, file: 300, shared: 20, kernel: 50, inactiveFile: 250 },
    ...{ peak: 1500, swap: 30, swapLimit: 64, pageFaults: 8, majorPageFaults: 1, oomKills: 1 },
  })
  assert.deepEqual(stats.pids, { current: 3, limit: 100 })
  const { devices, ...total } = stats.io ?? assert.fail()
  assert.deepEqual(total, { readBytes: 15, writeBytes: 20, readOps: 2, writeOps: 2 })
  assert.deepEqual(devices[1], { major: 254, minor: 16, readBytes: 5, writeBytes: 0, readOps: 1, writeOps: 0 })
})

test('reads what a version 1 group uses', async (t) => {
  const root = tree(t, {
    'cpu/cpu.stat': 'nr_periods 9\nnr_throttled 2\nthrottled_time 5\n',
    'cpu/cpuacct.usage': '70\n',
    'cpu/cpuacct.stat': 'user 3\nsystem 1\n',
    'memory/memory.usage_in_bytes': '1000\n',
    'memory/memory.limit_in_bytes': '9223372036854771712\n',
    'memory/memory.max_usage_in_bytes': '1500\n',
    'memory/memory.stat':
      'cache 1\ntotal_cache 300\ntotal_rss 600\ntotal_inactive_file 250\ntotal_swap 4\ntotal_pgfault 8\n',
    'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
    'blkio/blkio.throttle.io_service_bytes_recursive':
      '8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\nTotal 30\n',
    'blkio/blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\nTotal 3\n',
  })
  const v1 = [
    { directory: `${root}/cpu`, controllers: ['cpu', 'cpuacct'] },
    { directory: `${root}/memory`, controllers: ['memory'] },
    { directory: `${root}/blkio`, controllers: ['blkio'] },
  ]
  const host: CgroupHost = { ...bare, layout: { mode: 'v1', v1: [] }, unifiedControllers: new Set() }
  const stats = await readCgroupStats(host, { v1 })
  assert.deepEqual([stats.cpu?.usageNs, stats.cpu?.userNs, stats.cpu?.throttledNs], [70, 30_000_000, 5])
  assert.equal(stats.memory?.limit, undefined)
  assert.deepEqual([stats.memory?.workingSet, stats.memory?.anonymous, stats.memory?.oomKills], [750, 600, 3])
  assert.deepEqual(stats.io, {
    ...{ readBytes: 10, writeBytes: 20, readOps: 1, writeOps: 2 },
    devices: [{ major: 8, minor: 0, readBytes: 10, writeBytes: 20, readOps: 1, writeOps: 2 }],
  })
  assert.equal(stats.pids, undefined)
})

test('reads limits, and none for what stands for none', () => {
  assert.equal(parseLimit('4096'), 4096)
  assert.equal(parseLimit('0'), 0)
  for (const none of ['max', '9223372036854771712', '9223372036854710272', '', undefined]) {
    assert.equal(parseLimit(none), undefined)
  }
})
