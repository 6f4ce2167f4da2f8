import { safeText } from '../../model/text.ts'
import { isException } from './findings.ts'
import { isoOf } from './decode.ts'
import type { CheckName, Conclusion, Episode, Place, Report, TargetReport } from './model.ts'
import { checkNames } from './model.ts'
import { checkWords } from './controls.ts'
import { outcomeWords } from './words.ts'
import { uuidOf } from './uuid.ts'

/** Version of OSCAL (NIST) whose assessment-results model is written. */
export const oscalVersion = '1.2.2'

const ns = 'urn:pathproof:oscal'

/** One line of Markdown that reads as the text itself. */
function markup(text: string): string {
  const clean = safeText(text, 4000).trim()
  return clean === '' ? 'none' : clean.replace(/[\\`*_[\]<>&#|~$]/g, '\\$&')
}

function plain(text: string | number | null): string {
  return safeText(text === null ? '' : String(text), 2000).trim() || 'none'
}

/** An XML name of the words. */
function token(...words: string[]): string {
  const name = words
    .join('-')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 200)
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`
}

const prop = (name: string, value: string | number | null) => ({ name, ns, value: plain(value) })

const evidenceOf = (place: Place, description: string) => ({
  href: `#ledger-record-${place.seq}`,
  description: markup(description),
  props: [prop('ledger-record', place.seq), prop('sha256', place.sha256)],
})

/** Our ids as catalogs write them: `SC-7(3)` is `sc-7.3`; ids of frameworks without such a catalog bear the framework's name. */
function controlId(framework: string, id: string): string {
  const nist = /^([A-Z]{2}-\d+)(?:\((\d+)\))?$/.exec(id)
  if (nist !== null) return `${nist[1]?.toLowerCase()}${nist[2] === undefined ? '' : `.${nist[2]}`}`
  return token(framework.toLowerCase().replace(/[^a-z0-9]+/g, '-'), id)
}

type State = { state: 'satisfied' | 'not-satisfied'; reason: 'pass' | 'fail' | 'other' }

/**
 * OSCAL knows no third state: what is not shown at every moment, or by a record that is not known to be whole and signed, is not
 * satisfied, for another reason than a failure.
 */
function stateOf(
  kind: Conclusion | 'no_exception' | 'exception' | 'incomplete' | 'no_data',
  trusted: boolean,
): State {
  if ((kind === 'met_throughout' || kind === 'no_exception') && trusted)
    return { state: 'satisfied', reason: 'pass' }
  const fails = kind === 'public' || kind === 'not_met' || kind === 'exception'
  return { state: 'not-satisfied', reason: fails ? 'fail' : 'other' }
}

/** A report as an OSCAL assessment-results document. Ids are made of the ledger and the period, so they come again. */
export function oscalDocument(report: Report): unknown {
  const { fromMs, toMs, assurance, tool, records, targets, checks } = report
  const key = [assurance.root ?? records?.last.sha256 ?? '', assurance.size ?? 0, fromMs, toMs]
  const uuid = (...words: (string | number)[]): string => uuidOf('oscal', ...key, ...words)
  const trusted = assurance.outcome === 'verified'
  const collected = isoOf(records?.last.atMs ?? toMs)
  const agent = uuid('agent')
  const component = (target: TargetReport): string => uuid('component', target.target)

  const targetObservation = (target: TargetReport) => ({
    uuid: uuid('observation', target.target),
    title: markup(`Paths of ${target.target}`),
    description: markup(target.sentence),
    props: [
      prop('required', target.require),
      prop('conclusion', target.conclusion),
      ...Object.entries(target.share).map(([name, value]) => prop(token(name), value)),
      ...Object.entries(target.looks).map(([name, value]) => prop(token('looks', name), value ?? 'unknown')),
    ],
    methods: ['TEST'],
    types: ['control-objective'],
    origins: [{ actors: [{ type: 'tool', 'actor-uuid': agent }] }],
    subjects: [{ 'subject-uuid': component(target), type: 'component', title: markup(target.target) }],
    collected,
  })
  const episodeId = (one: Episode, index: number): string =>
    uuid('episode', one.target, one.first.seq, one.fromMs, index)
  const episodeObservation = (one: Episode, index: number, target: TargetReport) => ({
    uuid: episodeId(one, index),
    title: markup(`${one.target}: ${one.kind.replace('_', ' ')}`),
    description: markup(one.cause.join(' ') || `${one.kind} from ${isoOf(one.fromMs)} to ${isoOf(one.toMs)}`),
    props: [
      prop('from', isoOf(one.fromMs)),
      prop('to', isoOf(one.toMs)),
      prop('looks', one.looks),
      prop('late', String(one.late)),
    ],
    methods: ['TEST'],
    types: [isException(one) ? 'finding' : 'historic'],
    origins: [{ actors: [{ type: 'tool', 'actor-uuid': agent }] }],
    subjects: [{ 'subject-uuid': component(target), type: 'component' }],
    'relevant-evidence': [
      evidenceOf(
        one.first,
        one.evidence.map(({ address, because }) => `${address}: ${because}`).join(' ') || 'the verdict',
      ),
      ...(one.last.seq === one.first.seq ? [] : [evidenceOf(one.last, 'the last record of it')]),
    ],
    collected: isoOf(one.toMs),
    ...(one.waiver === null
      ? {}
      : {
          remarks: markup(
            `Waiver: ${one.waiver.reason} (${one.waiver.ticket ?? 'no ticket'}), until ${isoOf(one.waiver.untilMs)}`,
          ),
        }),
  })
  const checkObservation = (name: CheckName) => ({
    uuid: uuid('check', name),
    title: markup(checkWords[name]),
    description: markup(checks[name].sentence),
    props: [prop('result', checks[name].result)],
    methods: [
      name === 'path_required' || name === 'no_public_path' || name === 'egress_closed' ? 'TEST' : 'EXAMINE',
    ],
    types: ['control-objective'],
    origins: [{ actors: [{ type: 'tool', 'actor-uuid': agent }] }],
    ...evidenceFor(name, report),
    collected,
  })
  const finding = (
    id: string,
    title: string,
    sentence: string,
    target: string,
    state: State,
    observed: string[],
  ) => ({
    uuid: uuid('finding', id),
    title: markup(title),
    description: markup(sentence),
    target: { type: 'objective-id', 'target-id': target, status: state },
    'related-observations': observed.map((one) => ({ 'observation-uuid': one })),
  })

  const observations = [
    ...targets.map(targetObservation),
    ...targets.flatMap((target) =>
      target.episodes.map((one, index) => episodeObservation(one, index, target)),
    ),
    ...checkNames.map(checkObservation),
  ]
  const findings = [
    ...targets
      .filter(({ conclusion }) => conclusion !== 'nothing_required')
      .map((target) =>
        finding(
          `target ${target.target}`,
          `${target.target}: path as required (${target.require})`,
          target.sentence,
          token('path-required', target.target),
          stateOf(target.conclusion, trusted),
          [uuid('observation', target.target), ...target.episodes.map(episodeId)],
        ),
      ),
    ...checkNames
      .filter((name) => checks[name].result !== 'no_data')
      .map((name) =>
        finding(
          `check ${name}`,
          checkWords[name],
          checks[name].sentence,
          token(name),
          stateOf(checks[name].result, trusted),
          [uuid('check', name)],
        ),
      ),
  ]
  return {
    'assessment-results': {
      uuid: uuid('document'),
      metadata: {
        title: 'Network paths to AWS services: assessment results',
        'last-modified': collected,
        version: plain(
          `${assurance.size ?? records?.count ?? 0} records, ${isoOf(fromMs)} to ${isoOf(toMs)}`,
        ),
        'oscal-version': oscalVersion,
        props: [
          prop('tool', `${tool.name} ${tool.version}`),
          prop('controls-reviewed', report.controlsReviewed),
        ],
        remarks: markup(report.limits.join(' ')),
      },
      'import-ap': { href: `#${uuid('plan')}` },
      results: [
        {
          uuid: uuid('result'),
          title: 'Observed paths',
          description: markup(report.conclusion.sentences.join(' ')),
          start: isoOf(fromMs),
          end: isoOf(toMs),
          props: [
            prop('conclusion', report.conclusion.result),
            prop('ledger', outcomeWords[assurance.outcome]),
            prop('ledger-root', assurance.root),
            prop('ledger-size', assurance.size),
            ...assurance.signers.map((signer) => prop('ledger-signer', signer)),
          ],
          'local-definitions': {
            components: [
              {
                uuid: agent,
                type: 'software',
                title: markup(`${tool.name} ${tool.version}`),
                description: markup(
                  `The agent ${report.host.agents.join(', ')} on ${report.host.instance ?? report.host.vantage}.`,
                ),
                status: { state: 'operational' },
              },
              ...targets.map((target) => ({
                uuid: component(target),
                type: 'service',
                title: markup(target.target),
                description: markup(`AWS service names: ${target.names.join(', ')}`),
                status: { state: 'operational' },
              })),
            ],
          },
          'reviewed-controls': {
            'control-selections': selections(report),
            remarks:
              'This evidence supports these controls; whether one is in place is for an assessor to decide.',
          },
          observations,
          findings,
        },
      ],
      'back-matter': {
        resources: [
          { uuid: uuid('plan'), title: 'Method', description: markup(report.method.join(' ')) },
          ...(assurance.checkpoint === null
            ? []
            : [
                {
                  uuid: uuid('checkpoint'),
                  title: 'Signed checkpoint of the ledger',
                  description: markup(assurance.checkpoint.split('\n').join(' / ')),
                },
              ]),
        ],
      },
    },
  }
}

function selections(report: Report) {
  const byFramework = Map.groupBy(report.controls, ({ framework, version }) => `${framework} ${version}`)
  return [...byFramework].map(([framework, controls]) => ({
    description: markup(framework),
    'include-controls': controls.map((one) => ({ 'control-id': controlId(one.framework, one.id) })),
  }))
}

/** Records behind what a check found beside the targets. */
function evidenceFor(name: CheckName, { strays, egress }: Report) {
  const found =
    name === 'no_public_path'
      ? strays.map((one) => evidenceOf(one.place, `${one.hostname} ${one.address}: ${one.because}`))
      : name === 'egress_closed'
        ? egress.flatMap(({ check, openTimes }) =>
            openTimes.map((one) => evidenceOf(one.place, `${check} open: ${one.because}`)),
          )
        : []
  return found.length === 0 ? {} : { 'relevant-evidence': found.slice(0, 200) }
}

/** The document in pieces. */
export function* reportOscal(report: Report): Generator<string> {
  yield `${JSON.stringify(oscalDocument(report), null, 1)}\n`
}
