// Builds what is shipped: the one-file program, deb, rpm, tarball, OCI image, bill of materials, checksums.
//   npm run package                      into dist/packages/
//   npm run package -- --out DIR         elsewhere
//   npm run package -- --only deb,rpm    some of binary, deb, rpm, tarball, image, sbom
//   npm run package -- --twice           builds twice, in different places, and compares byte for byte
// Needs Debian's binutils, dpkg and rpm; needs neither root nor network. SOURCE_DATE_EPOCH dates it, else the last commit.
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBinary } from './package/binary.ts'
import { type Build, root, sourceDate, version } from './package/common.ts'
import { buildDeb } from './package/deb.ts'
import { buildImage } from './package/oci.ts'
import { buildRpm } from './package/rpm.ts'
import { buildSbom } from './package/sbom.ts'
import { buildTarball } from './package/tarball.ts'
import { type Generated, generate } from './package/tree.ts'

const kinds: Readonly<Record<string, (at: Build, generated: Generated) => string>> = {
  binary(at, { binary }) {
    const file = join(at.out, `pathproof-${at.version}-linux-${at.arch}`)
    copyFileSync(binary, file)
    return file
  },
  deb: buildDeb,
  rpm: buildRpm,
  tarball: buildTarball,
  image: buildImage,
  sbom: buildSbom,
}

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist', 'packages') },
    only: { type: 'string' },
    twice: { type: 'boolean', default: false },
  },
})
const wanted = values.only === undefined ? Object.keys(kinds) : values.only.split(',')
for (const kind of wanted)
  if (!Object.hasOwn(kinds, kind))
    throw new Error(`--only: ${kind}: expected ${Object.keys(kinds).join(', ')}`)

async function buildAll(out: string): Promise<string[]> {
  mkdirSync(out, { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'pathproof-package-'))
  try {
    const at: Build = { out, work, version, epoch: sourceDate(process.env), arch: process.arch }
    const { binary, licences } = await buildBinary(at)
    const generated = generate(at, binary, licences)
    const files = wanted.map((kind) => basename(kinds[kind]?.(at, generated) ?? ''))
    const sums = files.toSorted().map(
      (file) =>
        `${createHash('sha256')
          .update(readFileSync(join(out, file)))
          .digest('hex')}  ${file}\n`,
    )
    writeFileSync(join(out, 'SHA256SUMS'), sums.join(''))
    return [...files, 'SHA256SUMS']
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const out = resolve(values.out)
const strangers = existsSync(out)
  ? readdirSync(out).filter((file) => !/^(pathproof|SHA256SUMS)/.test(file))
  : []
if (strangers.length > 0)
  throw new Error(`${out} holds something else (${strangers[0]}); name another directory`)
rmSync(out, { recursive: true, force: true })
const files = await buildAll(out)
for (const file of files) {
  const mib = (statSync(join(out, file)).size / 1024 / 1024).toFixed(1)
  console.log(`${join(out, file)}: ${mib} MiB`)
}
if (values.twice) {
  const again = mkdtempSync(join(tmpdir(), 'pathproof-again-somewhere-else-'))
  try {
    await buildAll(again)
    const differing = files.filter(
      (file) => !readFileSync(join(out, file)).equals(readFileSync(join(again, file))),
    )
    if (differing.length > 0) throw new Error(`a second build differs in ${differing.join(', ')}`)
    console.log(`a second build is the same, byte for byte: ${files.length} files`)
  } finally {
    rmSync(again, { recursive: true, force: true })
  }
}
