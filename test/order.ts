import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, longest first; a machine that has not yet run the tests knows nothing of their time. */
const long = [
  'lab/matrix',
  'soundness/soundness',
  'faults/account',
  'ledger/verify',
  'lab/flow-faults',
  'soundness/monotony',
  'agent/daemon-time',
  'cli/main',
  'lab/flow-logs-daemon',
  'lab/setups',
  'lab/matrix-shared',
  'agent/daemon-process',
  'lab/matrix-records',
  'house/docs',
  'agent/ledger-process',
  'e2e/lab',
  'faults/metadata',
]

const place = ({ moduleId }: TestSpecification): number => {
  const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
  return at < 0 ? long.length : at
}

/** Long files first, so that at the end no worker is alone with one of them; the others as vitest orders them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}
