/** Names compare without case, `-` and `_`; a name counts when it *ends* so, because prefixes vary (`CloudFront-`, `aws_`). */
const secretNames = [
  'signature',
  'credential',
  'awsaccesskeyid',
  'accesskeyid',
  'accesskey',
  'secretkey',
  'secretaccesskey',
  'securitytoken',
  'sessiontoken',
  'metadatatoken',
  'accesstoken',
  'idtoken',
  'refreshtoken',
  'authtoken',
  'bearertoken',
  'webidentitytoken',
  'authorizationtoken',
  'samlassertion',
  'clientsecret',
  'apikey',
  'password',
  'passwd',
  'passphrase',
  'keypairid',
]

/** Only secret as a query parameter or assignment: as a field these words have harmless meanings. */
const secretAssignments = ['token', 'policy', 'secret', 'sig', 'pwd']

/** Headers whose whole line is secret. */
const secretHeaders = ['authorization', 'cookie', 'cookie2']

/** Parameters and headers of AWS that say nothing about a key: worth keeping in a diagnosis. */
const harmlessAmz =
  /^xamz(?:algorithm|date|expires|signedheaders|regionset|contentsha256|requestid|id2|bucketregion|checksum[a-z0-9]*|sdkchecksumalgorithm|acl|storageclass|versionid|serversideencryption)$/
const secretAmz = /signature|credential|token|secret|key|auth|mfa/

/** How much behind a name is secret: nothing, its value, or the rest of its line. */
export type Secrecy = 'none' | 'value' | 'line'

/**
 * Judges the name of a parameter, header or field. `assigned` says that it stands in front of `=`, where more words
 * are secret than in front of `:`.
 */
export function secrecyOf(name: string, assigned: boolean): Secrecy {
  const plain = name.replace(/[-_\s]/g, '').toLowerCase()
  if (plain === '') return 'none'
  if (secretHeaders.some((header) => plain.endsWith(header))) return 'line'
  if (secretNames.some((secret) => plain.endsWith(secret))) return 'value'
  if (assigned && secretAssignments.some((secret) => plain.endsWith(secret))) return 'value'
  const amz = plain.lastIndexOf('xamz')
  if (amz < 0 || harmlessAmz.test(plain.slice(amz))) return 'none'
  return assigned || secretAmz.test(plain.slice(amz)) ? 'value' : 'none'
}
