// What the parts of the packaging share.
import { execFileSync, spawnSync } from 'node:child_process'
import { lutimesSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }

export const root = join(import.meta.dirname, '..', '..')

export interface Build {
  /** Where results go. */
  out: string
  /** For what lies between; emptied by the caller. */
  work: string
  version: string
  /** Unix seconds: the date of everything that is built. */
  epoch: number
  /** As Node calls it: x64, arm64. */
  arch: string
}

export const version: string = manifest.version

/** Runs a program and gives what it prints. @throws with its errors */
export function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    cwd: options.cwd ?? root,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
  })
  if (error !== undefined) throw new Error(`${file}: ${error.message}`)
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}

export function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** SOURCE_DATE_EPOCH, else the time of the last commit. @throws if there is neither */
export function sourceDate(environment: NodeJS.ProcessEnv): number {
  const given = environment['SOURCE_DATE_EPOCH']
  if (given !== undefined) {
    if (!/^\d{9,10}$/.test(given)) throw new Error('SOURCE_DATE_EPOCH: expected Unix seconds')
    return Number(given)
  }
  const text = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim()
  return Number(text)
}

/** Every file, folder and link below `folder` gets the date of the build. */
export function datedTree(folder: string, epoch: number): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    lutimesSync(join(entry.parentPath, entry.name), epoch, epoch)
  lutimesSync(folder, epoch, epoch)
}

/** Size of all files below `folder`, in KiB, as Installed-Size counts. */
export function sizeKib(folder: string): number {
  let kib = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    kib += entry.isFile() ? Math.ceil(statSync(join(entry.parentPath, entry.name)).size / 1024) : 1
  return kib
}

/** The arguments with which GNU tar writes the same bytes for the same tree. */
export const tarArguments = (epoch: number): string[] => [
  '--sort=name',
  '--format=posix',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  `--mtime=@${epoch}`,
  '--numeric-owner',
]
