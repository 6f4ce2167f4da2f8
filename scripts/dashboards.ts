// Writes the dashboards for Grafana:
//   node scripts/dashboards.ts    deploy/grafana/fleet.json and target.json
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { dashboardFiles } from './dashboards/grafana.ts'

const root = resolve(import.meta.dirname, '..')
for (const [path, text] of dashboardFiles()) {
  await mkdir(dirname(resolve(root, path)), { recursive: true })
  await writeFile(resolve(root, path), text)
}
