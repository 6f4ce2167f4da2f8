// An image in the OCI layout, made without root, network or a container engine: the program, the libraries of the building
// machine that it needs, `ip` if that is there, and nothing else. https://github.com/opencontainers/image-spec
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Build, datedTree, root, run, tarArguments } from './common.ts'
import { runtimeEnvironment } from './runtime.ts'
import { configurationFile, type Generated } from './tree.ts'

const user = 65532
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** The shared libraries that a program needs, as the dynamic linker finds them here: wanted path → file. */
function libraries(program: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of run('ldd', [program]).split('\n')) {
    const path = /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1]
    if (path !== undefined) found.set(path, realpathSync(path))
  }
  return found
}

/** What Debian says of the rights to the files; null where dpkg does not know them. */
function copyrightOf(file: string): { name: string; text: string } | null {
  for (const path of [file, file.replace(/^\/usr/, '')]) {
    try {
      const name = /^([^:,]+)/.exec(run('dpkg-query', ['--search', path]))?.[1] ?? ''
      const text = `/usr/share/doc/${name}/copyright`
      if (existsSync(text)) return { name, text: readFileSync(text, 'utf8') }
    } catch {
      // it is known by its other path, or not at all
    }
  }
  return null
}

function layRoot(tree: string, generated: Generated): void {
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), content, { mode: 0o644 })
  }
  for (const folder of [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'tmp',
    'var/lib/pathproof',
    'etc',
    'proc',
    'sys',
    'dev',
  ])
    mkdirSync(join(tree, folder), { recursive: true })
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${link}`, join(tree, link))
  const programs: [string, string][] = [[generated.binary, 'usr/bin/pathproof']]
  const ip = ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip', '/bin/ip'].find(existsSync)
  if (ip !== undefined) programs.push([realpathSync(ip), 'usr/bin/ip'])
  const rights = new Map<string, string>()
  for (const [program, path] of programs) {
    copyFileSync(program, join(tree, path))
    for (const [wanted, file] of libraries(program)) {
      const inside = join(tree, wanted.startsWith('/usr/') ? wanted : `usr${wanted}`)
      mkdirSync(dirname(inside), { recursive: true })
      copyFileSync(file, inside)
      const right = copyrightOf(file)
      if (right !== null) rights.set(right.name, right.text)
    }
    const right = program === generated.binary ? null : copyrightOf(program)
    if (right !== null) rights.set(right.name, right.text)
  }
  for (const [name, text] of rights) put(`usr/share/doc/${name}/copyright`, text)
  put('usr/share/doc/pathproof/THIRD-PARTY-LICENSES.txt', readFileSync(generated.licences))
  put('usr/share/doc/pathproof/LICENSE', readFileSync(join(root, 'LICENSE')))
  put(configurationFile, readFileSync(join(root, 'deploy/packages/pathproof.yml')))
  put(
    'etc/passwd',
    `root:x:0:0::/:/nonexistent\npathproof:x:${user}:${user}::/var/lib/pathproof:/nonexistent\n`,
  )
  put('etc/group', `root:x:0:\npathproof:x:${user}:\n`)
  put('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n')
}

/** Builds pathproof-VERSION-oci-ARCH.tar, for `podman load`, `skopeo copy oci-archive:`; gives its path. */
export function buildImage(at: Build, generated: Generated): string {
  const architecture = architectures[at.arch] ?? at.arch
  const tree = join(at.work, 'image')
  layRoot(tree, generated)
  datedTree(tree, at.epoch)
  const layout = join(at.work, 'oci')
  const blobs = join(layout, 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  const blob = (
    mediaType: string,
    content: Buffer | string,
  ): { mediaType: string; digest: string; size: number } => {
    const bytes = Buffer.from(content)
    const digest = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, digest), bytes, { mode: 0o644 })
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length }
  }
  const json = (mediaType: string, document: object) => blob(mediaType, JSON.stringify(document))
  const tar = join(at.work, 'layer.tar')
  // the modes that a umask changes, and the one folder that is not root's
  run('tar', [
    ...tarArguments(at.epoch),
    '--owner=0',
    '--group=0',
    '--mode=u+rw,go+r-w,a+X',
    '--exclude=./var/lib/pathproof',
    '--exclude=./tmp',
    '-C',
    tree,
    '-cf',
    tar,
    '.',
  ])
  run('tar', [
    ...tarArguments(at.epoch),
    `--owner=${user}`,
    `--group=${user}`,
    '--mode=0700',
    '-C',
    tree,
    '-rf',
    tar,
    './tmp',
    './var/lib/pathproof',
  ])
  const diff = createHash('sha256').update(readFileSync(tar)).digest('hex')
  run('gzip', ['-n', '-6', tar])
  const layer = blob('application/vnd.oci.image.layer.v1.tar+gzip', readFileSync(`${tar}.gz`))
  const created = new Date(at.epoch * 1000).toISOString()
  const labels = {
    'org.opencontainers.image.title': 'pathproof',
    'org.opencontainers.image.version': at.version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.created': created,
    'org.opencontainers.image.description': 'Proves whether connections to AWS services take a private path',
  }
  const config = json('application/vnd.oci.image.config.v1+json', {
    created,
    architecture,
    os: 'linux',
    config: {
      User: `${user}:${user}`,
      Env: [
        'PATH=/usr/bin',
        'STATE_DIRECTORY=/var/lib/pathproof',
        ...Object.entries(runtimeEnvironment).map(([name, value]) => `${name}=${value}`),
      ],
      Entrypoint: ['/usr/bin/pathproof'],
      Cmd: ['run', '--config.file', `/${configurationFile}`],
      Volumes: { '/var/lib/pathproof': {} },
      ExposedPorts: { '10097/tcp': {} },
      WorkingDir: '/var/lib/pathproof',
      Labels: labels,
      StopSignal: 'SIGTERM',
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${diff}`] },
    history: [{ created, created_by: 'npm run package' }],
  })
  const manifest = json('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: [layer],
    annotations: labels,
  })
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...manifest,
        platform: { architecture, os: 'linux' },
        annotations: { 'org.opencontainers.image.ref.name': at.version },
      },
    ],
  }
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index), { mode: 0o644 })
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}', { mode: 0o644 })
  datedTree(layout, at.epoch)
  const file = join(at.out, `pathproof-${at.version}-oci-${architecture}.tar`)
  const names = readdirSync(layout)
    .map((name) => basename(name))
    .toSorted()
  run('tar', [
    ...tarArguments(at.epoch),
    '--owner=0',
    '--group=0',
    '--mode=u+rw,go+r-w,a+X',
    '-C',
    layout,
    '-cf',
    `${file}.part`,
    ...names,
  ])
  renameSync(`${file}.part`, file)
  return file
}
