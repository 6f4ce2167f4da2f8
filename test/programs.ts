/**
 * Tests that drive other programs for most of their time: a browser, Prometheus, promtool, Alertmanager. They are a run of their own,
 * `npm run test:programs`, so that `npm test` stays short.
 */
export const withPrograms = [
  'test/e2e/{pages,prometheus,remote-write,web}.test.ts',
  'test/deploy/{alerts,alertmanager,queries}.test.ts',
  'test/report/page.test.ts',
]

/** Tests that look at their whole process: its handles, timers or memory. Each has a process of its own. */
export const alone = [
  'test/agent/daemon.test.ts',
  'test/exporters/contract.test.ts',
  'test/faults/soak.test.ts',
  'test/probes/{small,tls}.test.ts',
]
