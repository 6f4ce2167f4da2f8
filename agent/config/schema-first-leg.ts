import * as z from 'zod'
import { defaults } from './defaults.ts'
import { duration, word } from './fields.ts'

const map = { error: 'a map' }

export const traceSchema = z
  .strictObject(
    {
      every: duration('Time between two traces of one address.', 60, 86_400, '5m').prefault(
        defaults.trace.every,
      ),
    },
    map,
  )
  .meta({
    description:
      'Traces by TCP on the probed port with an installed mtr or traceroute, for the first leg of a host on-prem; off by default.',
  })

export const directConnectSchema = z
  .strictObject(
    {
      every: duration('Time between two readings.', 60, 3600, '5m').prefault(defaults.direct_connect.every),
      region: word(
        'The region whose virtual interfaces are asked for. Left out: that of this host or its targets.',
        'the name of a region like us-east-1',
        /^[a-z]{2,10}(-[a-z]{2,20}){1,3}-[0-9]{1,2}$/,
      ).optional(),
    },
    map,
  )
  .meta({
    description:
      'The Direct Connect API (virtual interfaces and their routes), for the first leg of a host on-prem; off by default.',
  })
