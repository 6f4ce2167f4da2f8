import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/processes.ts'

interface Reference {
  type: string
  uid: string
}

export type Mapping =
  | { type: 'value'; options: Record<string, { text?: string }> }
  | { type: 'special'; options: { result: { text?: string } } }

export interface Panel {
  type: string
  title: string
  description: string
  datasource: Reference
  targets: { refId: string; expr: string; instant?: boolean; datasource: Reference }[]
  gridPos: { x: number; y: number; w: number; h: number }
  fieldConfig: {
    defaults: { unit?: string; mappings?: Mapping[] }
    overrides: { properties: { id: string; value: unknown }[] }[]
  }
}

export interface Shipped {
  file: string
  json: Record<string, unknown>
  panels: Panel[]
  variables: { name: string; type: string; query: unknown; refresh?: number; label?: string }[]
  annotations: { name: string; expr: string }[]
}

/** The dashboards as they are shipped, their rows taken apart. */
export function dashboardsOf(): Shipped[] {
  const directory = join(root, 'deploy/grafana')
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const json = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Record<string, unknown>
      const flat = (panels: readonly (Panel & { panels?: Panel[] })[]): Panel[] =>
        panels.flatMap((panel) => (panel.type === 'row' ? flat(panel.panels ?? []) : [panel]))
      return {
        file,
        json,
        panels: flat(json['panels'] as Panel[]),
        variables: (json['templating'] as { list: Shipped['variables'] }).list,
        annotations: (json['annotations'] as { list: Shipped['annotations'] }).list,
      }
    })
}

/** The variables of Grafana with values: any job, any host, ranges that hold some scrapes. */
export function withoutVariables(expr: string, values: Readonly<Record<string, string>> = {}): string {
  const all: Record<string, string> = { __rate_interval: '5m', __range: '1h', ...values }
  return expr.replace(/\$(\w+)/g, (_, name: string) => all[name] ?? '.+')
}
