/**
 * AWS's own client as it comes, inside the namespaces: region and authority from the environment, credentials from the
 * instance, addresses from the name server. Prints what it got as JSON.
 */
import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2'

const aws = new EC2Client({ maxAttempts: 1 })
try {
  const { Vpcs } = await aws.send(new DescribeVpcsCommand({}), { abortSignal: AbortSignal.timeout(3000) })
  process.stdout.write(JSON.stringify(Vpcs?.map(({ VpcId }) => VpcId)))
} catch (error) {
  process.stdout.write(JSON.stringify(error instanceof Error ? error.name : String(error)))
}
aws.destroy()
