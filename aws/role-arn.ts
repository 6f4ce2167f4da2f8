/**
 * The ARN of a role (IAM user guide, "IAM identifiers"): the partition first, then the account, which is 12 digits, then
 * its path and name.
 */
export const roleArn = /^arn:(aws(?:-[a-z]+)*):iam::(\d{12}):role\/[\w+=,.@/-]{1,512}$/

/** What a role's ARN says of where it is; null if it is no such ARN. */
export function readRoleArn(arn: string): { partition: string; account: string } | null {
  const [, partition, account] = roleArn.exec(arn) ?? []
  return partition === undefined || account === undefined ? null : { partition, account }
}
