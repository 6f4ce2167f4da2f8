/** RFC 3986: what `encodeURIComponent` leaves alone but AWS encodes is encoded as well. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
