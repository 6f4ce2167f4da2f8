// Writes the generated sections of the documentation: tables of rules, metrics and configuration, and what the program
// prints on the lab.
//   node scripts/docs.ts            writes what is out of date
//   node scripts/docs.ts --check    writes nothing; exits 1 if something is out of date
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { outdated, playedSections, rewritten, root, tableSections } from './docs/pages.ts'

const late = await outdated([...(await tableSections()), ...(await playedSections())])
for (const { page, name } of late) console.log(`${page}: "${name}" is out of date`)
if (process.argv.includes('--check')) process.exitCode = late.length > 0 ? 1 : 0
else for (const [page, text] of await rewritten(late)) await writeFile(resolve(root, page), text)
