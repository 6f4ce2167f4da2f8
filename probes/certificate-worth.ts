import type { CertificateCheck } from '../model/observation.ts'

/**
 * Why nothing that is signed may be sent to whoever shows a certificate of this worth, null if it may: a request with a
 * session token is for AWS alone.
 */
export function whyNotSend({ roots, nameMatches, dates }: CertificateCheck): string | null {
  if ((roots !== 'public' && roots !== 'partition') || !nameMatches) {
    return 'what answered is not shown to be AWS: no signed request was sent to it'
  }
  return dates === 'valid'
    ? null
    : "AWS's certificate is not valid now, by this host's clock: nothing was sent"
}
