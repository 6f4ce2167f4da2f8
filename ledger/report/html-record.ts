import { facts, html, htmlLines, when } from './html-text.ts'
import type { Report } from './model.ts'
import { outcomeWords } from './words.ts'

/** Signer, checkpoint and verification of the ledger that the report was made from. */
export function record({ assurance, records }: Report): string {
  const { outcome, size, root, signers, checkpoint, unsignedTail, anchors, transcript } = assurance
  const rows: [string, string][] = [
    ['the ledger is', html(outcomeWords[outcome])],
    ['records', size === null ? 'not known' : size.toLocaleString('en-US')],
    ['root of the tree', root === null ? 'not known' : `<code>${html(root)}</code>`],
    [
      'checked with',
      signers.map((key) => `<code>${html(key)}</code>`).join('<br>') || 'no key: the signer is not verified',
    ],
    [
      'compared with',
      anchors.map((anchor) => html(anchor)).join('<br>') ||
        'no checkpoint from outside the host: whether the ledger was rolled back can not be told',
    ],
    ['after the checkpoint', unsignedTail === null ? 'not known' : `${unsignedTail} records, not signed`],
  ]
  if (records !== null) {
    const { first, last, count, unreadable } = records
    rows.push(
      [
        'read',
        `${count.toLocaleString('en-US')} records${unreadable > 0 ? `, ${unreadable} of them not understood` : ''}`,
      ],
      ['first', `record ${first.seq} at ${when(first.atMs)} <code>${html(first.sha256)}</code>`],
      ['last', `record ${last.seq} at ${when(last.atMs)} <code>${html(last.sha256)}</code>`],
    )
  }
  return `${facts(rows)}${checkpoint === null ? '<p>There is no checkpoint that holds.</p>\n' : `<h3>Checkpoint</h3>\n<pre>${htmlLines(checkpoint)}</pre>\n`}${
    transcript.length === 0 ? '' : `<h3>Verification</h3>\n<pre>${htmlLines(transcript.join('\n'))}</pre>\n`
  }`
}
