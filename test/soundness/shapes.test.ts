import { expect, test } from 'vitest'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { awsFiles } from '../../lab/world/aws-files.ts'
import { generate } from '../../lab/world/generate.ts'
import { worldFrom } from '../../lab/world/world.ts'
import type { World } from '../../lab/world/types.ts'

function decoded(world: World) {
  const files = new Map(
    Object.entries(awsFiles(world)).map(([name, value]) => [
      name,
      { text: JSON.stringify(value), atMs: 0, dated: 'api' as const },
    ]),
  )
  return decodeSnapshot(files, { source: 'lab', account: world.account, region: world.region })
}

test('what the lab prints in the shape of the AWS CLI is read whole and without complaint', () => {
  const worlds = [
    worldFrom(),
    ...Array.from({ length: 200 }, (_, n) => generate(n + 1))
      .filter(({ plain }) => plain)
      .map(({ world }) => world),
  ]
  for (const world of worlds) {
    const snapshot = decoded(world)
    expect(snapshot.problems).toEqual([])
    expect(Object.entries(snapshot.parts).filter(([, part]) => !part.read)).toEqual([])
    const mine = world.tables.filter(({ owner }) => owner === world.account)
    expect(snapshot.routeTables.map(({ id, routes }) => [id, routes.length])).toEqual(
      mine.map(({ id, routes }) => [id, routes.length]),
    )
    expect(snapshot.prefixLists.map(({ id, entries }) => [id, entries?.length])).toEqual(
      world.lists.map(({ id, entries }) => [id, entries.length]),
    )
  }
})
