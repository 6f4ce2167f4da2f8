import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, realFiles } from '../../ledger/files.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-files-'))
  await writeFile(join(directory, 'file'), '')
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const make = (path: string) =>
  realFiles()
    .makeDirectory(path)
    .then(() => 'made', codeOf)

describe('a directory of the ledger', () => {
  it('is made with those above it, for its owner alone', async () => {
    const deep = join(directory, 'a/b/c')
    expect(await make(deep)).toBe('made')
    for (const path of ['a', 'a/b', 'a/b/c'])
      expect((await stat(join(directory, path))).mode & 0o777).toBe(0o700)
  })

  it('may be there, as it is, also by a link', async () => {
    const there = join(directory, 'there')
    await mkdir(there)
    await chmod(there, 0o755)
    await symlink(there, join(directory, 'link'))
    expect([await make(there), await make(join(directory, 'link'))]).toEqual(['made', 'made'])
    expect(await make(join(directory, 'link/below'))).toBe('made')
    expect((await stat(there)).mode & 0o777).toBe(0o755)
    expect(await make('/')).toBe('made')
  })

  it('is refused where a file or a link to nowhere stands', async () => {
    await symlink(join(directory, 'nowhere/at/all'), join(directory, 'dangling'))
    expect(await make(join(directory, 'file'))).toBe('EEXIST')
    expect(await make(join(directory, 'file/below'))).toBe('ENOTDIR')
    expect(['EEXIST', 'ENOENT']).toContain(await make(join(directory, 'dangling')))
    expect(await make(join(directory, 'dangling/below/it'))).toMatch(/^E(EXIST|NOENT)$/)
    expect(await readFile(join(directory, 'file'), 'utf8')).toBe('')
  })

  it.runIf(process.platform === 'linux')(
    'is refused, and not tried for ever, where none can be made',
    async () => {
      expect(await make('/proc/pathproof/ledger')).toBe('ENOENT')
    },
  )
})
