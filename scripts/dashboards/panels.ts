// Panels in the few shapes that the dashboards need. Everything has a title, a description, a unit and a source.
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap'
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'

export const source: common.DataSourceRef = { type: 'prometheus', uid: '${datasource}' }

/** Colours that people with the usual kinds of colour blindness tell apart (Okabe and Ito); a word stands beside each. */
export const colours = {
  good: '#009E73',
  bad: '#D55E00',
  part: '#E69F00',
  doubt: '#F0E442',
  still: '#56B4E9',
  other: '#0072B2',
  none: '#808080',
} as const

/** What a code in a timeline or table stands for: a sign, a word, a colour. */
export type Legend = readonly (readonly [code: number, text: string, colour: string])[]

export const pathLegend: Legend = [
  [1, '✔ private', colours.good],
  [2, '■ blocked', colours.still],
  [3, '? undetermined', colours.doubt],
  [4, '◐ mixed', colours.part],
  [5, '✘ public', colours.bad],
]

export const yesLegend: Legend = [
  [0, '✘ no', colours.bad],
  [1, '✔ yes', colours.good],
]

/** One-hot series as one code: the greatest of those that are 1, over the labels in `by`. */
export function coded(
  metric: string,
  matchers: string,
  states: readonly (readonly [state: string, code: number])[],
  by: string,
): string {
  const each = states.map(([state, code]) => `${code} * (${metric}{${matchers}, state="${state}"} == 1)`)
  return `max by (${by}) (\n    ${each.join('\n  or\n    ')}\n)`
}

const pathCodes = [
  ['private', 1],
  ['blocked', 2],
  ['undetermined', 3],
  ['mixed', 4],
  ['public', 5],
] as const

export const pathCode = (matchers: string, by: string): string =>
  coded('pathproof_path_state', matchers, pathCodes, by)

/** The same out of `job_target_state:pathproof_path_state:sum`: of all hosts, and as fast with ten thousand of them as with one. */
export function recordedPathCode(matchers: string): string {
  const each = pathCodes.map(
    ([state, code]) =>
      `${code} * (job_target_state:pathproof_path_state:sum{${matchers}, state="${state}"} > bool 0)`,
  )
  return `max by (job, target) (\n    ${each.join('\n  or\n    ')}\n)`
}

export interface Query {
  expr: string
  /** Left out: the series' own name. */
  legend?: string
}

export interface Common {
  title: string
  description: string
  unit: string
  queries: readonly Query[]
  /** Of 24 columns. */
  width: number
  height?: number
}

const targets = (queries: readonly Query[], kind: 'range' | 'instant' | 'table' | 'heatmap') =>
  queries.map(({ expr, legend }, index) => {
    const query = new prometheus.DataqueryBuilder()
      .datasource(source)
      .refId(String.fromCharCode(65 + index))
      .expr(expr)
    if (legend !== undefined) query.legendFormat(legend)
    if (kind === 'heatmap') query.format(prometheus.PromQueryFormat.Heatmap)
    if (kind === 'table') query.format(prometheus.PromQueryFormat.Table)
    return kind === 'instant' || kind === 'table' ? query.instant() : query.range()
  })

function mappings(legend: Legend): dashboard.ValueMapping[] {
  const options = Object.fromEntries(
    legend.map(([code, text, color], index) => [String(code), { text, color, index }]),
  )
  return [
    { type: dashboard.MappingType.ValueToText, options },
    {
      type: dashboard.MappingType.SpecialValue,
      options: {
        match: dashboard.SpecialValueMatch.NullAndNan,
        result: { text: '– no data', color: colours.none, index: legend.length },
      },
    },
  ]
}

const thresholds = (steps: readonly (readonly [number | null, string])[]) =>
  new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })))

interface AnyPanel {
  title(text: string): this
  description(text: string): this
  datasource(ref: common.DataSourceRef): this
  unit(unit: string): this
  span(width: number): this
  height(height: number): this
}

function framed<P extends AnyPanel>(panel: P, { title, description, unit, width, height = 8 }: Common): P {
  return panel.title(title).description(description).datasource(source).unit(unit).span(width).height(height)
}

/** One number; `steps` from which value on which colour (the first from the least on). */
export function number(
  of: Common & { steps: readonly (readonly [number | null, string])[]; legend?: Legend },
) {
  const panel = framed(new stat.PanelBuilder(), of)
    .targets(targets(of.queries, 'instant'))
    .thresholds(thresholds(of.steps))
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
  return of.legend === undefined ? panel : panel.mappings(mappings(of.legend))
}

export function lines(
  of: Common & { stacked?: boolean; max?: number; colour?: Readonly<Record<string, string>> },
) {
  const panel = framed(new timeseries.PanelBuilder(), of)
    .targets(targets(of.queries, 'range'))
    .min(0)
    .fillOpacity(of.stacked === true ? 60 : 5)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi))
  if (of.stacked === true) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal))
  if (of.max !== undefined) panel.max(of.max)
  for (const [name, fixedColor] of Object.entries(of.colour ?? {}))
    panel.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor } }])
  return panel
}

/** States over time, each with its sign and word in the bar. */
export function timeline(of: Omit<Common, 'unit'> & { legend: Legend }) {
  return framed(new statetimeline.PanelBuilder(), { ...of, unit: 'short' })
    .targets(targets(of.queries, 'range'))
    .mappings(mappings(of.legend))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .thresholds(thresholds([[null, colours.none]]))
    .mergeValues(true)
    .showValue(common.VisibilityMode.Auto)
    .rowHeight(0.85)
    .fillOpacity(80)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
}

export interface Column {
  /** As the query names it: a label, or `Value`, `Value #B`. */
  field: string
  title: string
  unit?: string
  legend?: Legend
}

/** A table with these columns in this order, out of one or more instant queries, joined by their labels. */
export function rows(of: Common & { columns: readonly Column[]; empty: string }) {
  const hidden = [
    'Time',
    'job',
    '__name__',
    ...(of.queries.length === 1
      ? ['Value']
      : of.queries.map((_, i) => `Value #${String.fromCharCode(65 + i)}`)),
  ]
  const shown = new Set(of.columns.map(({ field }) => field))
  const panel = framed(new table.PanelBuilder(), of)
    .targets(targets(of.queries, 'table'))
    .noValue(of.empty)
    .filterable(true)
  if (of.queries.length > 1) panel.withTransformation({ id: 'merge', options: {} })
  panel.withTransformation({
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(
        hidden.filter((name) => !shown.has(name)).map((name) => [name, true]),
      ),
      indexByName: Object.fromEntries(of.columns.map(({ field }, index) => [field, index])),
      renameByName: Object.fromEntries(of.columns.map(({ field, title }) => [field, title])),
    },
  })
  for (const { title, unit, legend } of of.columns) {
    const properties = [
      ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
      ...(legend === undefined
        ? []
        : [
            { id: 'mappings', value: mappings(legend) },
            { id: 'custom.cellOptions', value: { type: 'color-text' } },
          ]),
    ]
    if (properties.length > 0) panel.overrideByName(title, properties)
  }
  return panel
}

/** A histogram over time. */
export function heat(of: Common) {
  return framed(new heatmap.PanelBuilder(), of)
    .targets(targets(of.queries, 'heatmap'))
    .calculate(false)
    .yAxis(new heatmap.YAxisConfigBuilder().unit(of.unit))
    .showLegend()
}

const variable = (name: string, label: string, query: string) =>
  new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(source)
    .query({ query, refId: `${name}` })
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)

/** A variable of which any number can be chosen; at first all. */
export const several = (name: string, label: string, query: string) =>
  variable(name, label, query)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: 'All', value: '$__all' })

/** A variable of which one is chosen. */
export const one = variable

export interface Frame {
  uid: string
  title: string
  description: string
  variables: readonly dashboard.QueryVariableBuilder[]
  annotations: readonly dashboard.AnnotationQueryBuilder[]
}

/** An empty dashboard with the variables that all have. */
export function frame({
  uid,
  title,
  description,
  variables,
  annotations,
}: Frame): dashboard.DashboardBuilder {
  const built = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['pathproof'])
    .readonly()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .refresh('1m')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource')
        .label('Data source')
        .type('prometheus')
        .current({ text: '', value: '' }),
    )
    .withVariable(several('job', 'Job', 'label_values(pathproof_build_info, job)'))
    .withVariable(several('instance', 'Host', 'label_values(pathproof_build_info{job=~"$job"}, instance)'))
    .link(
      new dashboard.DashboardLinkBuilder('pathproof')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['pathproof'])
        .includeVars(true)
        .keepTime(true),
    )
  for (const each of variables) built.withVariable(each)
  for (const each of annotations) built.annotation(each)
  return built
}

/** Marks on every panel where `expr` gives something. */
export const marks = (name: string, colour: string, expr: string, title: string, text: string) =>
  new dashboard.AnnotationQueryBuilder()
    .name(name)
    .datasource(source)
    .enable(true)
    .iconColor(colour)
    .expr(expr)
    .step('60s')
    .titleFormat(title)
    .textFormat(text)

/** The finished dashboard: its panels under the titles of their rows. */
export function withRows(
  built: dashboard.DashboardBuilder,
  all: readonly (readonly [title: string, panels: readonly Parameters<typeof built.withPanel>[0][]])[],
): dashboard.Dashboard {
  for (const [title, panels] of all) {
    built.withRow(new dashboard.RowBuilder(title))
    for (const panel of panels) built.withPanel(panel)
  }
  return built.build()
}
