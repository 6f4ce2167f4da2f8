/** What is in the buckets: objects as a scenario has them, and flow-log files as they arrive. */
import { createHash } from 'node:crypto'
import { type FlowFile, flowBuckets, flowFiles } from '../flow/files.ts'
import type { FlowRecorder } from '../flow/recorder.ts'
import type { World } from '../world/types.ts'
import type { Written } from '../written.ts'
import type { S3Bucket, S3Object, S3Options } from './types.ts'

export interface StoredObject {
  key: string
  encryption: S3Object['encryption']
  /** Unix milliseconds. */
  modifiedMs: number
  body(): Buffer
}

export interface S3Store {
  bucket(name: string): S3Bucket | null
  /** Of the account. */
  buckets(account: string): S3Bucket[]
  /** In order of their keys. */
  objects(bucket: string): StoredObject[]
}

export function createS3Store(options: {
  s3(): S3Options
  world(): World
  /** Null: no flow logs are kept. */
  recorder: FlowRecorder | null
  nowMs(): number
  /** What was put there since. */
  written?: Written
}): S3Store {
  const { s3, world, recorder, nowMs, written } = options
  const all = (): S3Bucket[] => {
    const own = s3().buckets
    const { account, region } = world()
    const more = (recorder === null ? [] : flowBuckets(recorder))
      .filter((name) => !own.some((bucket) => bucket.name === name))
      .map((name) => ({ name, region, owner: account, policy: null, objects: [] }))
    return [...own, ...more]
  }
  return {
    bucket: (name) => all().find((each) => each.name === name) ?? null,
    buckets: (account) => all().filter(({ owner }) => owner === account),
    objects: (name) => {
      const own = s3().buckets.find((each) => each.name === name)?.objects ?? []
      const files = recorder === null ? [] : flowFiles(recorder, name, nowMs())
      // Of each key the newest version.
      const put = new Map((written?.objects(name) ?? []).map((object) => [object.key, object]))
      const stored = [...own.map(storedObject), ...files.map(storedFile)].filter(({ key }) => !put.has(key))
      for (const { key, modifiedMs, body } of put.values())
        stored.push({ key, encryption: 'AES256', modifiedMs, body: () => body })
      return stored.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    },
  }
}

export function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

function storedObject({ key, body, encryption }: S3Object): StoredObject {
  return { key, encryption, modifiedMs: Date.UTC(2026, 0, 5, 8), body: () => Buffer.from(body) }
}

function storedFile({ key, modifiedMs, body }: FlowFile): StoredObject {
  return { key, encryption: 'AES256', modifiedMs, body }
}
