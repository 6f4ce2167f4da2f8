import type { Ec2Api } from './clients.ts'
import { type PostureCall, postureCalls } from './posture-facts.ts'
import { cliJson, cliJsonOne } from './snapshot-api-json.ts'
import { type PagesOptions, readPages } from './snapshot-api-pages.ts'
import type { CallReport } from './snapshot-api.ts'
import type { SnapshotFile } from './snapshot-decode-file.ts'

/**
 * Reads what only the posture checks need, as files of a snapshot directory. What is refused stands there as refused, and nowhere
 * else: a reading of the account is whole without it. Never rejects.
 */
export async function readPosture(
  api: Ec2Api,
  paging: PagesOptions,
  wallMs: () => number,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<{ files: [string, SnapshotFile][]; calls: CallReport[] }> {
  const one = (call: PostureCall) =>
    inTurn(async () => {
      const { action, maxResults, file, permission, key } = call
      const atMs = wallMs()
      const answer = await readPages(api, { action, maxResults, call, inputs: [{}] }, paging)
      const { pages, attempts, ok } = answer
      const report: CallReport = { action, pages, attempts, ok }
      if (answer.ok) {
        const text = call.single === true ? cliJsonOne(key, answer.items[0]) : cliJson(key, answer.items)
        return { report, file: [file, { text, atMs, dated: 'api' }] as [string, SnapshotFile] }
      }
      const { reason, detail, nextStep } = answer.failure
      const refused = {
        reason: reason === 'denied' || reason === 'invalid' ? reason : ('failed' as const),
        detail,
        expected: `the answer to ${permission}`,
        nextStep,
      }
      return {
        report,
        file: [file, { text: '', atMs: null, dated: 'undated', refused }] as [string, SnapshotFile],
      }
    })
  const read = await Promise.all(Object.values(postureCalls).map(one))
  return { files: read.map(({ file }) => file), calls: read.map(({ report }) => report) }
}
