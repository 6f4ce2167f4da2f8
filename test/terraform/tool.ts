import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../support/processes.ts'

/** A copy of deploy/terraform, in which Terraform may leave what it likes. */
export interface Workbench {
  directory: string
  /** Runs Terraform in a folder of the copy. */
  terraform(folder: string, ...args: string[]): { status: number | null; output: string; stdout: string }
  remove(): void
}

/**
 * A directory in which providers lie as `terraform providers mirror` puts them: what PATHPROOF_TERRAFORM_MIRROR names, or what
 * somebody put below /opt or where Terraform itself looks. Null: there is none, and without a network nothing can be fetched.
 */
export function providerMirror(): string | null {
  const named = process.env['PATHPROOF_TERRAFORM_MIRROR']
  const places =
    named === undefined
      ? ['/opt/*', '/usr/share/terraform/plugins', '/usr/local/share/terraform/plugins']
      : [named]
  const [found] = globSync(places.map((place) => join(place, 'registry.terraform.io/hashicorp/aws')))
  return found === undefined ? null : dirname(dirname(dirname(found)))
}

export function workbench(mirror: string | null): Workbench {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-terraform-'))
  cpSync(join(root, 'deploy', 'terraform'), directory, { recursive: true })
  const settings = join(directory, 'settings.tfrc')
  // Providers come from there or from nowhere: a test fetches nothing.
  const path = mirror ?? join(directory, 'no-providers')
  writeFileSync(
    settings,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(path)}\n  }\n}\n`,
  )
  return {
    directory,
    terraform(folder, ...args) {
      const { status, stdout, stderr } = spawnSync('terraform', args, {
        cwd: join(directory, folder),
        encoding: 'utf8',
        env: {
          ...process.env,
          TF_CLI_CONFIG_FILE: settings,
          TF_IN_AUTOMATION: '1',
          CHECKPOINT_DISABLE: '1',
          NO_COLOR: '1',
        },
      })
      return { status, output: stdout + stderr, stdout }
    },
    remove() {
      if (existsSync(directory)) rmSync(directory, { recursive: true, force: true })
    },
  }
}
