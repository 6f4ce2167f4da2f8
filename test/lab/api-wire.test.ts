import { createHash, createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Lab } from '../../lab/lab.ts'
import { startWith } from './api-client.ts'

const labs: Lab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.close()
})

async function start(yaml = '') {
  const lab = await startWith(yaml)
  labs.push(lab)
  return lab
}

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex')
const hmac = (key: Buffer | string, data: string) => createHmac('sha256', key).update(data).digest()

/** Signature Version 4 once more, for requests that AWS's client does not make. */
function sign(
  lab: Lab,
  service: string,
  body: string,
  change: (header: string) => string = (header) => header,
  names = ['host', 'x-amz-date', 'x-amz-security-token'],
) {
  const { accessKeyId, secretAccessKey, sessionToken } = lab.apiCredentials()
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/gu, '')
  const values: Record<string, string> = {
    host: new URL(String(lab.apiUrl)).host,
    'x-amz-date': date,
    'x-amz-security-token': sessionToken,
  }
  const headers = names.map((name) => `${name}:${values[name]}\n`).join('')
  const request = ['POST', '/', '', headers, names.join(';'), sha256(body)].join('\n')
  const scope = [date.slice(0, 8), 'us-east-1', service, 'aws4_request']
  const key = scope.reduce<Buffer | string>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`)
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(request)].join('\n')
  const signature = hmac(key, text).toString('hex')
  const credential = `${accessKeyId}/${scope.join('/')}`
  return {
    'X-Amz-Date': date,
    'X-Amz-Security-Token': sessionToken,
    Authorization: change(
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    ),
    'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
  }
}

async function post(
  lab: Lab,
  service: string,
  body: string,
  headers: Record<string, string> = sign(lab, service, body),
) {
  const answer = await fetch(String(lab.apiUrl), { method: 'POST', body, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

const ec2 = (rest: string) => `Action=${rest}&Version=2016-11-15`
const codeOf = (text: string) => /<Code>([^<]*)<\/Code>/u.exec(text)?.[1]

describe('EC2 on the wire', () => {
  it('answers as the API reference prints it', async () => {
    const lab = await start(`world:
  tables: [{ id: rtb-0c000003, routes: ['0.0.0.0/0 -> igw-0a000001'] }]`)
    const body = ec2('DescribeRouteTables&Filter.1.Name=association.main&Filter.1.Value.1=true')
    const { status, headers, text } = await post(lab, 'ec2', body)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/xml;charset=UTF-8')
    const requestId = headers.get('x-amzn-requestid') ?? ''
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/u)
    expect(text).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>
<DescribeRouteTablesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>${requestId}</requestId><routeTableSet><item>
<associationSet><item><main>true</main><routeTableAssociationId>rtbassoc-0c0000030</routeTableAssociationId><routeTableId>rtb-0c000003</routeTableId>
<associationState><state>associated</state></associationState></item></associationSet><propagatingVgwSet/><routeTableId>rtb-0c000003</routeTableId><routeSet>
<item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><origin>CreateRouteTable</origin><state>active</state></item>
<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-0a000001</gatewayId><origin>CreateRoute</origin><state>active</state></item>
</routeSet><tagSet/><vpcId>vpc-0a000001</vpcId><ownerId>111122223333</ownerId></item></routeTableSet></DescribeRouteTablesResponse>
`.replaceAll(/(?<!\?)>\n(?=.)/gu, '>'),
    )
  })

  it('refuses in its own words', async () => {
    const lab = await start()
    const { status, headers, text } = await post(lab, 'ec2', ec2('DescribeFoo'))
    expect(status).toBe(400)
    expect(text).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>InvalidAction</Code><Message>The action DescribeFoo is not valid for this web service.</Message></Error></Errors><RequestID>${headers.get('x-amzn-requestid')}</RequestID></Response>
`,
    )
  })

  it.each([
    ['another version', 'Action=DescribeVpcs&Version=2014-10-01', 'NoSuchVersion'],
    ['no version', 'Action=DescribeVpcs', 'NoSuchVersion'],
    ['no action', 'Version=2016-11-15', 'MissingAction'],
    ['nothing', '', 'MissingAction'],
    ['a parameter that is none', ec2('DescribeVpcs&Colour=red'), 'UnknownParameter'],
    ['a list of another action', ec2('DescribeVpcs&SubnetId.1=subnet-1'), 'UnknownParameter'],
    ['a name of Object', ec2('DescribeVpcs&__proto__=1'), 'UnknownParameter'],
    [
      'filters of an action without',
      ec2('GetManagedPrefixListEntries&PrefixListId=pl-63a5400a&Filter.1.Name=a'),
      'UnknownParameter',
    ],
    ['no list', ec2('GetManagedPrefixListEntries'), 'MissingParameter'],
    [
      'a version that the list does not have',
      ec2('GetManagedPrefixListEntries&PrefixListId=pl-63a5400a&TargetVersion=9'),
      'InvalidParameterValue',
    ],
    ['no VPC', ec2('DescribeVpcAttribute&Attribute=enableDnsSupport'), 'MissingParameter'],
    [
      'an attribute that is none',
      ec2('DescribeVpcAttribute&VpcId=vpc-0a000001&Attribute=toString'),
      'InvalidParameterValue',
    ],
    ['a size in words', ec2('DescribeVpcs&MaxResults=ten'), 'InvalidParameterValue'],
    ['a filter without values', ec2('DescribeVpcs&Filter.1.Name=vpc-id'), 'InvalidParameterValue'],
  ])('%s: %s', async (_what, body, code) => {
    const lab = await start()
    const { status, text } = await post(lab, 'ec2', body)
    expect({ status, code: codeOf(text) }).toEqual({ status: 400, code })
  })

  it('takes no body beyond a mebibyte, and GET for a query', async () => {
    const lab = await start()
    expect((await post(lab, 'ec2', 'x'.repeat(1_048_577))).status).toBe(413)
    const answer = await fetch(`${lab.apiUrl}/?${ec2('DescribeVpcs')}`)
    expect({ status: answer.status, code: codeOf(await answer.text()) }).toEqual({
      status: 403,
      code: 'MissingAuthenticationToken',
    })
    expect(lab.apiRequests()).toMatchObject([
      { action: 'DescribeVpcs', outcome: 'MissingAuthenticationToken' },
    ])
  })
})

describe('signatures', () => {
  const body = ec2('DescribeVpcs')
  it.each<[string, (header: string) => string]>([
    ['another algorithm', (header) => header.replace('HMAC-SHA256', 'ECDSA-P256-SHA256')],
    ['no signature', (header) => header.replace(/, Signature=.*/u, '')],
    ['a short signature', (header) => header.slice(0, -1)],
    ['another signature', (header) => header.replace(/.{4}$/u, (end) => (end === 'beef' ? 'dead' : 'beef'))],
    ['another service', (header) => header.replace('/ec2/', '/s3/')],
    ['another region', (header) => header.replace('us-east-1', 'eu-west-1')],
    ['another day', (header) => header.replace(/\/\d{8}\//u, '/20150830/')],
    ['a signed header that is not there', (header) => header.replace('host;', 'constructor;host;')],
    ['nothing of the form', () => 'Basic dXNlcjpwYXNz'],
  ])('%s: AuthFailure', async (_what, change) => {
    const lab = await start()
    const { status, text } = await post(lab, 'ec2', body, sign(lab, 'ec2', body, change))
    expect({ status, code: codeOf(text) }).toEqual({ status: 401, code: 'AuthFailure' })
  })

  it.each(['host', 'x-amz-date'])('right, but not over %s: AuthFailure', async (name) => {
    const lab = await start()
    const names = ['host', 'x-amz-date', 'x-amz-security-token'].filter((each) => each !== name)
    const { text } = await post(lab, 'ec2', body, sign(lab, 'ec2', body, undefined, names))
    expect(codeOf(text)).toBe('AuthFailure')
    expect(text).toContain(`'${name}' must be a signed header`)
  })

  it('none: MissingAuthenticationToken; one of another body: AuthFailure; the right one: an answer', async () => {
    const lab = await start()
    const none = await post(lab, 'ec2', body, { 'Content-Type': 'application/x-www-form-urlencoded' })
    expect({ status: none.status, code: codeOf(none.text) }).toEqual({
      status: 403,
      code: 'MissingAuthenticationToken',
    })
    const other = await post(lab, 'ec2', ec2('DescribeSubnets'), sign(lab, 'ec2', body))
    expect(codeOf(other.text)).toBe('AuthFailure')
    expect((await post(lab, 'ec2', body)).status).toBe(200)
  })

  it('no refusal says anything of the credentials', async () => {
    const lab = await start()
    const { secretAccessKey, sessionToken } = lab.apiCredentials()
    for (const change of [
      (header: string) => `${header}0`,
      (header: string) => header.replace('/ec2/', '/s3/'),
    ]) {
      const { text } = await post(lab, 'ec2', body, sign(lab, 'ec2', body, change))
      expect(text).not.toContain(secretAccessKey)
      expect(text).not.toContain(sessionToken)
    }
    expect(JSON.stringify(lab.apiRequests())).not.toContain(sessionToken)
  })
})

const sts = (rest: string) => `Action=${rest}&Version=2011-06-15`

describe('STS on the wire', () => {
  it('says who asks', async () => {
    const lab = await start()
    const { status, headers, text } = await post(lab, 'sts', sts('GetCallerIdentity'))
    expect(status).toBe(200)
    expect(text).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<GetCallerIdentityResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/"><GetCallerIdentityResult><Arn>arn:aws:sts::111122223333:assumed-role\/pathproof-lab\/i-0a000050<\/Arn><UserId>AROA[0-9A-Z]{17}:i-0a000050<\/UserId><Account>111122223333<\/Account><\/GetCallerIdentityResult><ResponseMetadata><RequestId>[0-9a-f-]{36}<\/RequestId><\/ResponseMetadata><\/GetCallerIdentityResponse>\n$/u,
    )
    expect(text).toContain(String(headers.get('x-amzn-requestid')))
    expect(lab.apiRequests()).toMatchObject([
      { service: 'sts', action: 'GetCallerIdentity', params: {}, outcome: 'ok' },
    ])
  })

  it('refuses in its own words', async () => {
    const lab = await start()
    const role = 'RoleSessionName=me&RoleArn=arn:aws:iam::444455556666:role/r'
    const { status, headers, text } = await post(lab, 'sts', sts(`AssumeRole&${role}`))
    expect(status).toBe(403)
    expect(text).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:sts::111122223333:assumed-role/pathproof-lab/i-0a000050 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/r</Message></Error><RequestId>${headers.get('x-amzn-requestid')}</RequestId></ErrorResponse>
`,
    )
  })

  it.each([
    [
      'a session of no time',
      'AssumeRole&DurationSeconds=1&RoleSessionName=me&RoleArn=arn:aws:iam::444455556666:role/r',
      400,
      'ValidationError',
    ],
    ['a role that is none', 'AssumeRole&RoleSessionName=me&RoleArn=r', 400, 'ValidationError'],
    [
      'no name for the session',
      'AssumeRole&RoleArn=arn:aws:iam::444455556666:role/r',
      400,
      'ValidationError',
    ],
  ])('%s', async (_what, rest, status, code) => {
    const lab = await start()
    const answer = await post(lab, 'sts', sts(rest))
    expect({ status: answer.status, code: codeOf(answer.text) }).toEqual({ status, code })
  })

  it.each([
    ['throttle: { all: always }', 400, 'Throttling'],
    ['breaks: { GetCallerIdentity: expired }', 403, 'ExpiredToken'],
    ['breaks: { all: auth_failure }', 403, 'SignatureDoesNotMatch'],
    ['breaks: { all: unavailable }', 503, 'ServiceUnavailable'],
    ['deny: [GetCallerIdentity]', 403, 'AccessDenied'],
  ])('%s: %i %s', async (faults, status, code) => {
    const lab = await start(`api: { ${faults} }`)
    const answer = await post(lab, 'sts', sts('GetCallerIdentity'))
    expect({ status: answer.status, code: codeOf(answer.text) }).toEqual({ status, code })
  })

  it('checks signatures of its own', async () => {
    const lab = await start()
    const body = sts('GetCallerIdentity')
    const malformed = await post(
      lab,
      'sts',
      body,
      sign(lab, 'sts', body, (header) => header.slice(0, -1)),
    )
    expect({ status: malformed.status, code: codeOf(malformed.text) }).toEqual({
      status: 400,
      code: 'IncompleteSignature',
    })
    const wrong = await post(lab, 'sts', `${body}&DryRun=x`, sign(lab, 'sts', body))
    expect({ status: wrong.status, code: codeOf(wrong.text) }).toEqual({
      status: 403,
      code: 'SignatureDoesNotMatch',
    })
  })
})
