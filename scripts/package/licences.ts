// The licences of what is bundled, from the packages themselves.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

interface BundledPackage {
  name: string
  version: string
  license: string
  /** Texts of its licence and notice files. */
  texts: string[]
}

/** The folder of the package that a bundled file is from, null for the program's own. */
function packageFolder(input: string): string | null {
  const match = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
  return match?.[1] ?? null
}

function readPackage(root: string, folder: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const texts = readdirSync(join(root, folder))
    .filter(
      (file) => /^(licen[cs]e|notice|copying)/i.test(file) && statSync(join(root, folder, file)).isFile(),
    )
    .toSorted()
    .map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
  if (typeof license !== 'string' || license === '') throw new Error(`${name} ${version} names no licence`)
  return { name, version, license, texts }
}

/** The packages that a bundle holds, by name. @throws if one names no licence */
export function bundledPackages(root: string, metafile: Metafile): BundledPackage[] {
  const folders = new Set(Object.keys(metafile.inputs).flatMap((input) => packageFolder(input) ?? []))
  return [...folders]
    .map((folder) => readPackage(root, folder))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Each text once, with the packages that it covers. */
export function licencesText(what: string, packages: readonly BundledPackage[]): string {
  const rule = '='.repeat(100)
  const groups = Map.groupBy(
    packages,
    ({ license, texts }) =>
      texts.join('\n\n') || `(its package names the licence ${license} and brings no text)`,
  )
  const parts = [...groups].map(
    ([text, covered]) =>
      `${rule}\n${covered.map(({ name, version, license }) => `${name} ${version} (${license})`).join('\n')}\n${rule}\n\n${text}\n`,
  )
  return `What ${what} bundles, with its licences.\n\n${parts.join('\n')}`
}

/** The runtime that a single executable is made of, with the licences of its own parts. */
export function runtimePackage(folder: string, version: string): BundledPackage {
  return {
    name: 'node',
    version,
    license: 'MIT, and those of its parts below',
    texts: [readFileSync(join(folder, 'LICENSE'), 'utf8').trim()],
  }
}
