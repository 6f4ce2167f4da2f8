/** A little XML 1.0, written only: elements and text, as AWS's query APIs use it. */

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

/** Text of an element. What XML 1.0 has no way to carry (control characters, lone surrogates) becomes U+FFFD. */
export function xmlText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu, '\ufffd')
    .replaceAll(/[&<>"\r]/gu, (character) => entities[character] ?? '')
}

/** An element with content that is XML already; without content it is `<name/>`. */
export function element(name: string, content: string): string {
  return content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`
}

/** A document of one root element. */
export function xmlDocument(root: string, namespace: string | null, content: string): string {
  const attribute = namespace === null ? '' : ` xmlns="${xmlText(namespace)}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${content}</${root}>\n`
}
