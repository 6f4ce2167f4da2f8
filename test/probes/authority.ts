import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate with its key, both PEM. */
export interface Issued {
  cert: string
  key: string
  /** Base name of its files, for issuing under it. */
  file: string
}

export interface Wanted {
  /** Common name; may hold anything that OpenSSL takes. */
  cn: string
  san?: string
  isCa?: boolean
  /** Takes the key of that one instead of a new one. */
  keyOf?: Issued
  /** How many further authorities may stand below. */
  pathLength?: number
  /** Without key usage, which would forbid a leaf to sign just as basic constraints do. */
  noKeyUsage?: boolean
  /** `extendedKeyUsage`; default serverAuth for leaves. */
  usage?: string
  /** `YYYYMMDDHHMMSSZ`. */
  from?: string
  until?: string
  /** Null: self-signed. */
  by: Issued | null
}

/** A certificate authority's desk in a temporary folder, worked by the `openssl` command. */
export function authority() {
  const folder = mkdtempSync(join(tmpdir(), 'pathproof-ca-'))
  let count = 0
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const issue = (wanted: Wanted): Issued => {
    const file = `c${++count}`
    const extensions = [
      `basicConstraints=critical,CA:${wanted.isCa ? 'TRUE' : 'FALSE'}${wanted.pathLength === undefined ? '' : `,pathlen:${wanted.pathLength}`}`,
      ...(wanted.noKeyUsage
        ? []
        : [wanted.isCa ? 'keyUsage=critical,keyCertSign,cRLSign' : 'keyUsage=critical,digitalSignature']),
      ...(wanted.isCa ? [] : [`extendedKeyUsage=${wanted.usage ?? 'serverAuth'}`]),
      ...(wanted.san ? [`subjectAltName=${wanted.san}`] : []),
      'subjectKeyIdentifier=hash',
      // a key identifier would give a wrong issuer away before its signature is looked at
      'authorityKeyIdentifier=none',
    ]
    writeFileSync(
      join(folder, `${file}.cnf`),
      [
        '[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=utf8only\nutf8=yes\n[dn]',
        '[ca]\ndefault_ca=desk\n[desk]',
        `database=${file}.db\nserial=${file}.srl\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\nunique_subject=no`,
        '[any]\ncommonName=supplied',
        `[ext]\n${extensions.join('\n')}\n`,
      ].join('\n'),
    )
    writeFileSync(join(folder, `${file}.db`), '')
    writeFileSync(join(folder, `${file}.srl`), `${(count + 4096).toString(16)}\n`)
    if (wanted.keyOf) writeFileSync(join(folder, `${file}.key`), wanted.keyOf.key)
    else openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${file}.key`)
    const subject = `/CN=${wanted.cn.replaceAll('/', '\\/')}`
    openssl(
      'req',
      '-new',
      '-key',
      `${file}.key`,
      '-utf8',
      '-subj',
      subject,
      '-config',
      `${file}.cnf`,
      '-out',
      `${file}.csr`,
    )
    const signer = wanted.by
      ? ['-cert', `${wanted.by.file}.pem`, '-keyfile', `${wanted.by.file}.key`]
      : ['-selfsign', '-keyfile', `${file}.key`]
    const dates = [
      '-startdate',
      wanted.from ?? '20200101000000Z',
      '-enddate',
      wanted.until ?? '20990101000000Z',
    ]
    const files = ['-in', `${file}.csr`, '-out', `${file}.pem`]
    openssl(
      'ca',
      '-batch',
      '-notext',
      '-utf8',
      '-config',
      `${file}.cnf`,
      '-extensions',
      'ext',
      ...signer,
      ...dates,
      ...files,
    )
    return {
      cert: readFileSync(join(folder, `${file}.pem`), 'utf8'),
      key: readFileSync(join(folder, `${file}.key`), 'utf8'),
      file,
    }
  }
  const pathOf = ({ file }: Issued) => join(folder, `${file}.pem`)
  return { issue, pathOf, close: () => rmSync(folder, { recursive: true, force: true }) }
}
