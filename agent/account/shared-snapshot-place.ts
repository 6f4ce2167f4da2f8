import { safeText } from '../../model/text.ts'
import type { SharedPlace } from './shared-snapshot-request.ts'

/** For people. */
export function nameOfPlace(place: SharedPlace): string {
  const where = place.kind === 'file' ? `file ${place.path}` : `s3://${place.bucket}/${place.key}`
  return `shared snapshot ${safeText(where, 300)}`
}

/** `s3://BUCKET/KEY`, or the path of a file; null: it is neither. */
export function readPlace(text: string): SharedPlace | null {
  if (!/^[a-z0-9]+:\/\//i.test(text))
    return text === '' || text.includes('\0') ? null : { kind: 'file', path: text }
  const [, bucket, key] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.{1,1024})$/u.exec(text) ?? []
  return bucket === undefined || key === undefined || key.endsWith('/') ? null : { kind: 's3', bucket, key }
}
