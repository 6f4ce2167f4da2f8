/** An object of JSON, with the names and shapes that the AWS CLI prints. */
export type Json = { [name: string]: unknown }

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** All values at a dotted path; arrays on the way are gone through. What is not there gives nothing. */
export function valuesAt(value: unknown, path: string): unknown[] {
  let here: unknown[] = [value]
  for (const name of path.split('.')) {
    here = here.flat().flatMap((each) => (isJson(each) && Object.hasOwn(each, name) ? [each[name]] : []))
  }
  return here.flat().filter((each) => each !== undefined && each !== null)
}
