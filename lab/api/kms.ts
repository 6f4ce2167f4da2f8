/** As much of KMS as a cheap signed call needs. Source: KMS API reference, `ListKeys`. */
import type { JsonService } from './json-service.ts'

export function createKmsService(): JsonService {
  return {
    api: 'kms',
    target: 'TrentService',
    contentType: 'application/x-amz-json-1.1',
    trail: { source: 'kms.amazonaws.com', actions: ['ListKeys'] },
    actions: { ListKeys: () => ({ Keys: [], KeyCount: 0, Truncated: false }) },
  }
}
