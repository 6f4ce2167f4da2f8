import { fleetDashboard } from './fleet.ts'
import { targetDashboard } from './target.ts'

/** Dashboards with their JSON, by path from the root. */
export function dashboardFiles(): Map<string, string> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
  return new Map([
    ['deploy/grafana/fleet.json', json(fleetDashboard())],
    ['deploy/grafana/target.json', json(targetDashboard())],
  ])
}
