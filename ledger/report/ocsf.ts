import { isIP } from 'node:net'
import { checkWords } from './controls.ts'
import { isException } from './findings.ts'
import {
  type CheckName,
  type Conclusion,
  type Episode,
  type Report,
  type TargetReport,
  checkNames,
} from './model.ts'
import { outcomeWords } from './words.ts'
import { uuidOf } from './uuid.ts'

/** Version of the Open Cybersecurity Schema Framework whose Compliance Finding (class 2003) is written. */
export const ocsfVersion = '1.8.0'

interface Subject {
  uid: string
  title: string
  sentence: string
  check: CheckName
  kind: 'pass' | 'warning' | 'fail' | 'unknown'
  firstSeenMs: number
  lastSeenMs: number
  resources: { name: string; type: string }[]
  evidences: unknown[]
  fix: string[]
  data: Readonly<Record<string, unknown>>
}

const statuses = {
  unknown: { status_id: 0, status: 'Unknown', severity_id: 0, severity: 'Unknown' },
  pass: { status_id: 1, status: 'Pass', severity_id: 1, severity: 'Informational' },
  warning: { status_id: 2, status: 'Warning', severity_id: 3, severity: 'Medium' },
  fail: { status_id: 3, status: 'Fail', severity_id: 4, severity: 'High' },
} as const

const byConclusion: Readonly<Record<Conclusion, Subject['kind']>> = {
  met_throughout: 'pass',
  not_fully_shown: 'warning',
  waived: 'warning',
  public: 'fail',
  not_met: 'fail',
  nothing_required: 'unknown',
  nothing_observed: 'unknown',
}

const byResult = {
  no_exception: 'pass',
  exception: 'fail',
  incomplete: 'warning',
  no_data: 'unknown',
} as const

/** Compliance findings, one a target and one a kind of evidence beside the targets. The same report gives the same. */
export function ocsfEvents(report: Report): unknown[] {
  const { fromMs, toMs, assurance, records, targets, checks } = report
  const key = [assurance.root ?? records?.last.sha256 ?? '', assurance.size ?? 0, fromMs, toMs]
  const uuid = (...words: (string | number)[]): string => uuidOf('ocsf', ...key, ...words)
  // Each target is a finding of its own.
  const beside = checkNames.filter((name) => name !== 'path_required')
  const subjects: Subject[] = [
    ...targets.map((target) => subjectOf(target, uuid('target', target.target), fromMs, toMs)),
    ...beside.map((name) => ({
      uid: uuid('check', name),
      title: checkWords[name],
      sentence: checks[name].sentence,
      check: name,
      kind: byResult[checks[name].result],
      firstSeenMs: fromMs,
      lastSeenMs: toMs,
      resources: [],
      evidences: evidencesOf(name, report),
      fix: [],
      data: {},
    })),
  ]
  return subjects.map((subject) => eventOf(subject, report, uuid('event', subject.uid)))
}

function subjectOf(target: TargetReport, uid: string, fromMs: number, toMs: number): Subject {
  const bad = target.episodes.filter(isException)
  return {
    uid,
    title: `${target.target}: path as required (${target.require})`,
    sentence: target.sentence,
    check: 'path_required',
    kind: byConclusion[target.conclusion],
    firstSeenMs: bad[0]?.fromMs ?? fromMs,
    lastSeenMs: bad.at(-1)?.toMs ?? toMs,
    resources: [
      { name: target.target, type: 'target' },
      ...target.names.map((name) => ({ name, type: 'host name' })),
    ],
    evidences: target.episodes.slice(0, 50).map(evidenceOf),
    fix: [
      ...new Set(
        target.episodes.flatMap((one) =>
          one.fix.map(({ text, command }) => (command === null ? text : `${text}: ${command}`)),
        ),
      ),
    ].slice(0, 10),
    data: {
      share: target.share,
      looks: target.looks,
      gaps: target.gaps.length + target.moreGaps.count,
      exceptions: target.episodes.length + target.moreEpisodes.count,
    },
  }
}

function evidenceOf(episode: Episode): unknown {
  const { kind, fromMs, toMs, late, cause, waiver, first, last, looks, evidence } = episode
  const seen = evidence.find(({ address }) => isIP(address) !== 0)
  return {
    name: `${kind} from record ${first.seq}`,
    data: { kind, from_time: fromMs, to_time: toMs, late, cause, looks, waiver, evidence, first, last },
    ...(seen === undefined ? {} : { dst_endpoint: { ip: seen.address, hostname: seen.hostname } }),
  }
}

function eventOf(subject: Subject, report: Report, uid: string): unknown {
  const { tool, fromMs, toMs, assurance, host } = report
  const { status, status_id, severity, severity_id } = statuses[assured(subject.kind, assurance.outcome)]
  const supported = report.controls.filter((one) =>
    one.supportedBy.some(({ check }) => check === subject.check),
  )
  return {
    activity_id: 1,
    activity_name: 'Create',
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2003,
    class_name: 'Compliance Finding',
    type_uid: 200301,
    type_name: 'Compliance Finding: Create',
    severity_id,
    severity,
    time: toMs,
    start_time: fromMs,
    end_time: toMs,
    status_id: 1,
    status: 'New',
    message: subject.sentence,
    metadata: {
      version: ocsfVersion,
      uid,
      product: { name: tool.name, vendor_name: tool.name, version: tool.version },
      log_name: 'ledger',
    },
    finding_info: {
      uid: subject.uid,
      title: subject.title,
      desc: subject.sentence,
      types: ['network path'],
      created_time: toMs,
      first_seen_time: subject.firstSeenMs,
      last_seen_time: subject.lastSeenMs,
    },
    compliance: {
      control: subject.check,
      desc: 'This evidence supports the requirements that are named; whether one is in place is for an assessor to decide.',
      standards: [...new Set(supported.map(({ framework, version }) => `${framework} ${version}`))],
      requirements: supported.map(({ framework, version, id }) => `${framework} ${version}: ${id}`),
      status_id,
      status,
      status_details: [subject.sentence, report.limits[0] ?? ''],
      checks: [
        { uid: subject.check, name: checkWords[subject.check], desc: subject.sentence, status_id, status },
      ],
    },
    ...(subject.resources.length > 0 ? { resources: subject.resources } : {}),
    ...(subject.evidences.length > 0 ? { evidences: subject.evidences } : {}),
    ...(subject.fix.length > 0 ? { remediation: { desc: subject.fix.join('\n') } } : {}),
    unmapped: {
      ...subject.data,
      agents: host.agents,
      ledger: {
        outcome: outcomeWords[assurance.outcome],
        size: assurance.size,
        root: assurance.root,
        signers: assurance.signers,
      },
    },
  }
}

/** What speaks against it stands, whoever wrote it; for it speaks only a record that is whole, and signed by a given key. */
function assured(kind: Subject['kind'], outcome: Report['assurance']['outcome']): Subject['kind'] {
  if (kind === 'fail' || outcome === 'verified') return kind
  if (outcome === 'broken') return 'unknown'
  return kind === 'pass' ? 'warning' : kind
}

function evidencesOf(name: CheckName, { strays, egress }: Report): unknown[] {
  if (name === 'no_public_path')
    return strays.slice(0, 50).map(({ hostname, address, atMs, because, place }) => ({
      name: `public from record ${place.seq}`,
      data: { kind: 'public', from_time: atMs, late: true, because, first: place },
      ...(isIP(address) === 0 ? {} : { dst_endpoint: { ip: address, hostname } }),
    }))
  if (name !== 'egress_closed') return []
  return egress.slice(0, 50).flatMap(({ check, url, openTimes }) =>
    openTimes.slice(0, 20).map(({ fromMs, toMs, because, place }) => ({
      name: `open from record ${place.seq}`,
      data: { check, url, from_time: fromMs, to_time: toMs, because, first: place },
    })),
  )
}

/** One event a line. */
export function* reportOcsf(report: Report): Generator<string> {
  for (const event of ocsfEvents(report)) yield `${JSON.stringify(event)}\n`
}
