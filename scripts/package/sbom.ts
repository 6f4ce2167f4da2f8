// The bill of materials, CycloneDX, by npm from the lockfile; what npm draws by chance is pinned.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { type Build, root, run } from './common.ts'

interface Bom {
  serialNumber: string
  metadata: { timestamp: string; tools?: unknown; component: { name: string; 'bom-ref': string } }
  components: { name: string; 'bom-ref': string; properties?: { name: string; value: string }[] }[]
  dependencies?: { ref: string; dependsOn?: string[] }[]
}

/** Writes pathproof-VERSION.cdx.json; gives its path. */
export function buildSbom(at: Build): string {
  const bom = JSON.parse(
    run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], { cwd: root }),
  ) as Bom
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(at.version)
    .digest('hex')
  bom.serialNumber = `urn:uuid:${lock.slice(0, 8)}-${lock.slice(8, 12)}-8${lock.slice(13, 16)}-8${lock.slice(17, 20)}-${lock.slice(20, 32)}`
  bom.metadata.timestamp = new Date(at.epoch * 1000).toISOString()
  // npm calls the project as the folder is called
  bom.metadata.component.name = 'pathproof'
  // the version of npm on the building machine is no part of the product
  delete bom.metadata.tools
  // Of all that the lockfile knows: what the program needs, and the one runtime inside. (npm's own --omit=dev leaves out what a
  // development dependency needs as well.)
  const used = new Set<string>()
  const needs = new Map(bom.dependencies?.map(({ ref, dependsOn = [] }) => [ref, dependsOn]))
  const take = (ref: string): void => {
    if (used.has(ref)) return
    used.add(ref)
    for (const next of needs.get(ref) ?? []) take(next)
  }
  const names = new Set([...Object.keys(manifest.dependencies), `node-linux-${at.arch}`])
  const roots = new Set(needs.get(bom.metadata.component['bom-ref']))
  for (const { name, 'bom-ref': ref } of bom.components) if (names.has(name) && roots.has(ref)) take(ref)
  bom.components = bom.components.filter((component) => used.has(component['bom-ref']))
  for (const component of bom.components)
    component.properties = component.properties?.filter(({ name }) => name !== 'cdx:npm:package:development')
  bom.dependencies = bom.dependencies
    ?.filter(({ ref }) => used.has(ref) || ref === bom.metadata.component['bom-ref'])
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => used.has(one)) }))
  const file = join(at.out, `pathproof-${at.version}.cdx.json`)
  writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`)
  return file
}
