/** EC2's Query API over a world: what a permitted request is answered. */
import { type ApiCall, filtersOf, listOf } from './call.ts'
import { accountOf, type Account } from './ec2-account.ts'
import { type ListAction, listActions } from './ec2-actions.ts'
import { filtered } from './ec2-filters.ts'
import { ec2Xml } from './ec2-xml.ts'
import type { World } from '../world/types.ts'
import { type Json, valuesAt } from './json.ts'
import type { Pager } from './paging.ts'
import { type ApiProblem, ec2Namespace, isProblem, problem } from './problem.ts'
import { element, xmlDocument } from './xml.ts'

export const ec2Version = '2016-11-15'

export interface Ec2Request {
  call: ApiCall
  world: World
  /** Whose resources are shown: 12 digits. */
  account: string
  requestId: string
  pager: Pager
  /** The most items of a page, whatever is asked for. */
  pageSize: number | null
  endless: boolean
}

/** The answer's body, or the error. The action must be one of `ec2Actions`. */
export function answerEc2(request: Ec2Request): string | ApiProblem {
  const { call, world, account, requestId } = request
  const view = accountOf(world, account)
  const list = Object.hasOwn(listActions, call.action) ? listActions[call.action] : undefined
  const content = list === undefined ? single(call, view) : listed(request, list, view)
  if (isProblem(content)) return content
  const body = element('requestId', requestId) + ec2Xml(content)
  return xmlDocument(`${call.action}Response`, ec2Namespace, body)
}

/** The thing that a request is about, for permissions by resource; null: it lists. */
export function resourceOf({ action, params }: ApiCall): string | null {
  if (action === 'GetManagedPrefixListEntries') return params.get('PrefixListId') ?? null
  return action === 'DescribeVpcAttribute' ? (params.get('VpcId') ?? null) : null
}

function listed(
  { call, pager, pageSize, endless }: Ec2Request,
  list: ListAction,
  account: Account,
): Json | ApiProblem {
  const { params, action } = call
  const known = [...list.ignored, 'DryRun', 'MaxResults', 'NextToken']
  const lists = [
    ...(list.ids === null ? [] : [list.ids.parameter]),
    ...(list.filters === null ? [] : ['Filter']),
  ]
  const unknown = unknownParameter(params, known, lists)
  if (unknown !== null) return unknown
  const size = sizeOf(params.get('MaxResults'), list)
  if (typeof size !== 'number') return size

  let items: Json[]
  if (action === 'GetManagedPrefixListEntries') {
    const entries = entriesOf(params, account)
    if (isProblem(entries)) return entries
    items = entries
  } else {
    items = list.items(account)
  }
  if (list.ids !== null) {
    const { parameter, path, notFound, withMaxResults } = list.ids
    const wanted = listOf(params, parameter)
    if (wanted.length > 0 && !withMaxResults && params.has('MaxResults')) {
      const message = `The parameter ${parameter} cannot be used with the parameter MaxResults`
      return problem(400, 'InvalidParameterCombination', message)
    }
    const there = new Set(items.flatMap((item) => valuesAt(item, path).map(String)))
    const missing = wanted.filter((id) => !there.has(id))
    if (missing.length > 0) return problem(400, notFound, `The ID '${missing.join(', ')}' does not exist`)
    if (wanted.length > 0)
      items = items.filter((item) => valuesAt(item, path).some((id) => wanted.includes(String(id))))
  }
  if (list.filters !== null) {
    const passed = filtered(items, filtersOf(params), { paths: list.filters, tags: list.tags })
    if (isProblem(passed)) return passed
    items = passed
  }
  const page = pager.page(items, {
    about: aboutOf(call),
    key: list.key,
    size: Math.min(size, pageSize ?? size),
    token: params.get('NextToken') ?? null,
    endless,
  })
  if (page === null) return problem(400, 'InvalidNextToken', 'The specified NextToken is not valid.')
  return {
    ...(action === 'DescribeVpcEndpointServices' && { ServiceNames: serviceNames(page.items) }),
    [list.result]: page.items,
    ...(page.nextToken !== null && { NextToken: page.nextToken }),
  }
}

function serviceNames(details: readonly Json[]): string[] {
  return [...new Set(details.map(({ ServiceName: name }) => String(name)))]
}

/** What a page's token is good for: this action with these parameters, whatever size the pages have. */
function aboutOf({ action, params }: ApiCall): string {
  const rest = [...params].filter(([name]) => !['MaxResults', 'NextToken', 'DryRun'].includes(name))
  return JSON.stringify([action, rest.toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

function sizeOf(
  text: string | undefined,
  { maxResults: { min, max, capped } }: ListAction,
): number | ApiProblem {
  if (text === undefined) return max
  const size = /^\d{1,9}$/u.test(text) ? Number(text) : Number.NaN
  const refuse = (what: string): ApiProblem =>
    problem(400, 'InvalidParameterValue', `Value ( ${text} ) for parameter maxResults is invalid. ${what}`)
  if (Number.isNaN(size)) return refuse('Expecting an integer.')
  if (size < min) return refuse(`Expecting a value greater than or equal to ${min}.`)
  if (size > max && !capped) return refuse(`Expecting a value less than or equal to ${max}.`)
  return Math.min(size, max)
}

function entriesOf(params: ReadonlyMap<string, string>, account: Account): Json[] | ApiProblem {
  const list = params.get('PrefixListId')
  if (list === undefined) return missing('PrefixListId')
  const entries = account.entries(list)
  if (entries === null) {
    return problem(400, 'InvalidPrefixListID.NotFound', `The prefix list (${list}) does not exist.`)
  }
  const version = params.get('TargetVersion')
  if (version !== undefined && version !== String(account.listVersion(list))) {
    return problem(400, 'InvalidParameterValue', `The prefix list ${list} has no version ${version}`)
  }
  return entries
}

const vpcAttributes: Readonly<Record<string, { member: string; value: boolean }>> = {
  enableDnsSupport: { member: 'EnableDnsSupport', value: true },
  enableDnsHostnames: { member: 'EnableDnsHostnames', value: true },
  enableNetworkAddressUsageMetrics: { member: 'EnableNetworkAddressUsageMetrics', value: false },
}

function single({ action, params }: ApiCall, account: Account): Json | ApiProblem {
  if (action === 'DescribeVpcBlockPublicAccessOptions') {
    return (
      unknownParameter(params, ['DryRun'], []) ?? { VpcBlockPublicAccessOptions: account.blockPublicAccess() }
    )
  }
  const unknown = unknownParameter(params, ['DryRun', 'Attribute', 'VpcId'], [])
  if (unknown !== null) return unknown
  const vpc = params.get('VpcId')
  const name = params.get('Attribute')
  if (vpc === undefined) return missing('vpcId')
  if (name === undefined) return missing('attribute')
  const attribute = Object.hasOwn(vpcAttributes, name) ? vpcAttributes[name] : undefined
  if (attribute === undefined) {
    return problem(400, 'InvalidParameterValue', `Value (${name}) for parameter attribute is invalid.`)
  }
  if (!account.vpcs().includes(vpc)) {
    return problem(400, 'InvalidVpcID.NotFound', `The vpc ID '${vpc}' does not exist`)
  }
  return { VpcId: vpc, [attribute.member]: { Value: attribute.value } }
}

function missing(name: string): ApiProblem {
  return problem(400, 'MissingParameter', `The request must contain the parameter ${name}`)
}

function unknownParameter(
  params: ReadonlyMap<string, string>,
  known: readonly string[],
  lists: readonly string[],
): ApiProblem | null {
  for (const name of params.keys()) {
    const list = /^([A-Za-z]+)\./u.exec(name)?.[1]
    const fits = list === undefined ? known.includes(name) : lists.includes(list) || known.includes(list)
    if (!fits) return problem(400, 'UnknownParameter', `The parameter ${name} is not recognized`)
  }
  return null
}
