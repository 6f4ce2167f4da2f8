/**
 * As much of KMS as a cheap signed call and the signing of a ledger need. Source: KMS API reference, `ListKeys`,
 * `GetPublicKey`, `Sign`.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Json } from './json.ts'
import { type JsonQuestion, type JsonService, textOf } from './json-service.ts'
import { partitionOf } from './principals.ts'
import { type ApiProblem, problem } from './problem.ts'

/** The keys of every lab's account, by alias. */
export const kmsKeys = {
  'alias/pathproof-ledger': { id: '5f0c1f3e-0a0b-4c0d-8e0f-0123456789ab', spec: 'ECC_NIST_EDWARDS25519' },
  'alias/pathproof-ledger-next': {
    id: '7b0c1f3e-0a0b-4c0d-8e0f-0123456789ab',
    spec: 'ECC_NIST_EDWARDS25519',
  },
  'alias/another': { id: '6a0c1f3e-0a0b-4c0d-8e0f-0123456789ab', spec: 'ECC_NIST_P256' },
} as const

/** `Sign` takes no longer message as it is (MessageType RAW). */
const longestMessage = 4096

interface KmsKey {
  id: string
  spec: string
  pair: { publicKey: KeyObject; privateKey: KeyObject }
}

export function createKmsService(): JsonService {
  const made = new Map<string, KmsKey>()
  const keyOf = (question: JsonQuestion): KmsKey | ApiProblem => {
    const { input, world } = question
    const wanted = textOf(input, 'KeyId') ?? ''
    const arn = `arn:${partitionOf(world.region)}:kms:${world.region}:${world.account}:`
    for (const [alias, { id, spec }] of Object.entries(kmsKeys)) {
      if (![alias, id, `${arn}${alias}`, `${arn}key/${id}`].includes(wanted)) continue
      const known = made.get(id)
      if (known !== undefined) return known
      const pair =
        spec === 'ECC_NIST_P256'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('ed25519')
      const key = { id, spec, pair }
      made.set(id, key)
      return key
    }
    return problem(400, 'NotFoundException', `Key '${wanted}' does not exist`)
  }
  const arnOf = ({ world }: JsonQuestion, id: string): string =>
    `arn:${partitionOf(world.region)}:kms:${world.region}:${world.account}:key/${id}`

  return {
    api: 'kms',
    target: 'TrentService',
    contentType: 'application/x-amz-json-1.1',
    trail: { source: 'kms.amazonaws.com', actions: ['ListKeys', 'GetPublicKey', 'Sign'] },
    actions: {
      ListKeys: () => ({ Keys: [], KeyCount: 0, Truncated: false }),
      GetPublicKey: (question) => {
        const key = keyOf(question)
        if (!('pair' in key)) return key
        return {
          KeyId: arnOf(question, key.id),
          KeySpec: key.spec,
          KeyUsage: 'SIGN_VERIFY',
          PublicKey: key.pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
          SigningAlgorithms: algorithmsOf(key),
        }
      },
      Sign: (question) => {
        const key = keyOf(question)
        return 'pair' in key ? signed(question, key, arnOf(question, key.id)) : key
      },
    },
  }
}

function algorithmsOf({ spec }: KmsKey): string[] {
  return spec === 'ECC_NIST_P256' ? ['ECDSA_SHA_256'] : ['ED25519_SHA_512', 'ED25519_PH_SHA_512']
}

function signed({ input }: JsonQuestion, key: KmsKey, arn: string): Json | ApiProblem {
  const algorithm = textOf(input, 'SigningAlgorithm') ?? ''
  const message = Buffer.from(textOf(input, 'Message') ?? '', 'base64')
  if (!algorithmsOf(key).includes(algorithm))
    return problem(
      400,
      'InvalidKeyUsageException',
      `Algorithm ${algorithm} is incompatible with key spec ${key.spec}.`,
    )
  if (message.length < 1 || message.length > longestMessage)
    return problem(
      400,
      'ValidationException',
      `1 validation error detected: Value at 'message' failed to satisfy constraint`,
    )
  if ((textOf(input, 'MessageType') ?? 'RAW') !== 'RAW' || algorithm === 'ED25519_PH_SHA_512')
    return problem(400, 'ValidationException', 'The lab signs messages of type RAW only')
  const hash = key.spec === 'ECC_NIST_P256' ? 'sha256' : null
  return {
    KeyId: arn,
    Signature: sign(hash, message, key.pair.privateKey).toString('base64'),
    SigningAlgorithm: algorithm,
  }
}
