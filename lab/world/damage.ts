/** What goes wrong between an account and somebody who reads it: nothing here lies unseen, it only hides and breaks. */
import { ids, type Theme } from './generate-parts.ts'
import { choicesFrom, type Choices } from './random.ts'

type Json = Record<string, unknown>

/** File name → text, as a snapshot directory holds them. */
export type Files = Map<string, string>

export interface Damage {
  name: string
  /** Changes the files in place. */
  apply(files: Files): void
}

/** Which permission a file needs, for the CLI's own refusal. */
const operation = (file: string): string =>
  file
    .replace(/\/.*|\.json$/g, '')
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

export const fileNames = [
  'describe-route-tables.json',
  'describe-vpc-endpoints.json',
  'describe-subnets.json',
  'describe-network-interfaces.json',
  'describe-managed-prefix-lists.json',
  'describe-prefix-lists.json',
  'describe-nat-gateways.json',
  'describe-vpcs.json',
  'describe-vpc-peering-connections.json',
  'describe-internet-gateways.json',
  'describe-flow-logs.json',
]

const entriesOf = (list: string): string => `get-managed-prefix-list-entries/${list}.json`

function edit(files: Files, name: string, change: (value: Json) => void): void {
  const text = files.get(name)
  if (text === undefined || !text.startsWith('{') || !text.endsWith('}')) return
  const value = JSON.parse(text) as Json
  change(value)
  files.set(name, JSON.stringify(value))
}

/** The one list of items in an answer. */
function itemsOf(value: Json): Json[] {
  return (Object.values(value).find((item) => Array.isArray(item)) ?? []) as Json[]
}

/** A file of which only the beginning was written. */
function cut(text: string): string {
  return text.slice(0, Math.min(200, text.length / 2)).replace(/\}+$/, '')
}

/** A first page only: some items are missing, and the answer says so. */
function firstPage(files: Files, name: string, choices: Choices): void {
  const keep = choices.fraction()
  edit(files, name, (value) => {
    const items = itemsOf(value)
    items.splice(Math.floor(items.length * keep))
    value['NextToken'] = 'eyJuIjogMX0='
  })
}

/** Entries of AWS's lists stand in two files: both must go for the list to be unread. */
function listFiles(list: string): string[] {
  return [entriesOf(list), 'describe-prefix-lists.json']
}

function spoilList(files: Files, list: string, choices: Choices): void {
  const nonsense = choices.pick([
    '52.216.0.0/99',
    'everything',
    '',
    '2600:1fa0::/32',
    '010.0.0.0/8',
    '52.216.0.1/15',
  ])
  const hidden = choices.fraction()
  // One entry is unreadable where a true one stood: the true one may be it.
  edit(files, entriesOf(list), (value) => {
    const items = itemsOf(value)
    if (items.length > 0) items[Math.floor(hidden * items.length)] = { Cidr: nonsense }
  })
  edit(files, 'describe-prefix-lists.json', (value) => {
    for (const item of itemsOf(value)) {
      if (item['PrefixListId'] !== list) continue
      const cidrs = item['Cidrs'] as string[]
      if (cidrs.length > 0) cidrs[Math.floor(hidden * cidrs.length)] = nonsense
    }
  })
}

function spoilRoute(files: Files, choices: Choices): void {
  const which = choices.fraction()
  const how = choices.below(4)
  edit(files, 'describe-route-tables.json', (value) => {
    for (const table of itemsOf(value)) {
      const routes = table['Routes'] as Json[]
      const route = routes[Math.floor(which * routes.length)]
      if (route === undefined) continue
      if (how === 0) {
        for (const key of Object.keys(route)) if (key.startsWith('Destination')) delete route[key]
      } else if (how === 1) {
        for (const key of Object.keys(route))
          if (key.endsWith('Id') && !key.startsWith('Dest')) delete route[key]
      } else if (how === 2) route['State'] = 'pondering'
      else route['Origin'] = 'Divination'
    }
  })
}

/** Fields that are not known yet, anywhere: harmless. */
function addFields(files: Files): void {
  for (const name of fileNames) {
    edit(files, name, (value) => {
      for (const item of itemsOf(value)) item['FieldFromTheFuture'] = { A: [1, null, 'x'] }
    })
  }
}

/** As an agent asks: only what concerns the host's VPC, or only its own interfaces. */
function filter(files: Files, how: 'vpc' | 'instance'): void {
  const keep = (name: string, test: (item: Json) => boolean): void =>
    edit(files, name, (value) => {
      const items = itemsOf(value)
      const kept = items.filter(test)
      items.splice(0, items.length, ...kept)
    })
  if (how === 'instance') {
    keep('describe-network-interfaces.json', (item) =>
      [ids.hostEni, ids.secondEni].some((id) => id === item['NetworkInterfaceId']),
    )
    return
  }
  for (const part of [
    'route-tables',
    'vpc-endpoints',
    'subnets',
    'network-interfaces',
    'nat-gateways',
    'vpcs',
  ]) {
    keep(`describe-${part}.json`, (item) => item['VpcId'] === ids.vpc)
  }
}

/** A random way in which a reading falls short. `visible`: whoever reads with care sees that something is missing. */
export function someDamage(choices: Choices, theme: Theme): Damage {
  const file = choices.pick(fileNames)
  const list = choices.pick([ids.s3v4, ids.s3v4, ids.s3v6, ids.dynamodb, ids.customer[0], ...ids.customer])
  const seed = choices.below(2 ** 31)
  // The same choices each time: a damage does the same to every reading.
  const again = (): Choices => choicesFrom(seed)
  const all: Damage[] = [
    { name: 'missing file', apply: (files) => void files.delete(file) },
    {
      name: 'denied',
      apply: (files) =>
        void files.set(
          file,
          `\nAn error occurred (UnauthorizedOperation) when calling the ${operation(file)} operation: You are not authorized to perform this operation.\n`,
        ),
    },
    { name: 'truncated file', apply: (files) => void files.set(file, cut(files.get(file) ?? '')) },
    { name: 'empty file', apply: (files) => void files.set(file, '') },
    { name: 'another API', apply: (files) => void files.set(file, '{"Reservations": []}') },
    { name: 'first page only', apply: (files) => firstPage(files, file, again()) },
    {
      name: 'unread list',
      apply: (files) => {
        for (const name of listFiles(list)) files.delete(name)
      },
    },
    {
      name: 'list: first page only',
      apply: (files) => {
        firstPage(files, entriesOf(list), again())
        files.delete('describe-prefix-lists.json')
      },
    },
    { name: 'list: nonsense entry', apply: (files) => spoilList(files, list, again()) },
    { name: 'unreadable route', apply: (files) => spoilRoute(files, again()) },
    { name: 'unknown fields', apply: addFields },
    { name: 'filtered to the VPC', apply: (files) => filter(files, 'vpc') },
    { name: 'filtered to the instance', apply: (files) => filter(files, 'instance') },
  ]
  const aimed = all.filter(({ name }) =>
    theme === 'lists' ? name.includes('list') : /list|route/.test(name),
  )
  return choices.pick(theme === 'lists' || (theme === 'reading' && choices.chance(0.6)) ? aimed : all)
}
