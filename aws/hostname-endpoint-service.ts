/**
 * Endpoint services (the last part of `com.amazonaws.<region>.…`) whose private DNS name is another one. Sources:
 * the services' PrivateLink pages and `PrivateDnsName` of DescribeVpcEndpointServices. All others have the same name.
 */
const different: Readonly<Record<string, string>> = {
  'kinesis-streams': 'kinesis',
  'kinesis-firehose': 'firehose',
  'ecr.api': 'api.ecr',
  'ecr.dkr': 'dkr.ecr',
  'ecs-agent': 'ecs-a',
  'ecs-telemetry': 'ecs-t',
  'dynamodb-streams': 'streams.dynamodb',
  'sagemaker.api': 'api.sagemaker',
  'sagemaker.runtime': 'runtime.sagemaker',
  'sagemaker.metrics': 'metrics.sagemaker',
  'sagemaker.featurestore-runtime': 'featurestore-runtime.sagemaker',
  'codeartifact.api': 'codeartifact',
  'codeartifact.repositories': 'd.codeartifact',
  'iot.data': 'data.iot',
  'iot.credentials': 'credentials.iot',
  'iotwireless.api': 'api.iotwireless',
  'iotsitewise.api': 'api.iotsitewise',
  'iotsitewise.data': 'data.iotsitewise',
  'iottwinmaker.api': 'api.iottwinmaker',
  'iottwinmaker.data': 'data.iottwinmaker',
  'transfer.server': 'server.transfer',
  'airflow.api': 'api.airflow',
  'airflow.env': 'env.airflow',
  'airflow.ops': 'ops.airflow',
  'payment-cryptography.controlplane': 'controlplane.payment-cryptography',
  'payment-cryptography.dataplane': 'dataplane.payment-cryptography',
  'qldb.session': 'session.qldb',
  's3-global.accesspoint': 'accesspoint.s3-global',
}

export const dnsByEndpointService: ReadonlyMap<string, string> = new Map(Object.entries(different))

export const endpointServiceByDns: ReadonlyMap<string, string> = new Map(
  Object.entries(different).map(([endpointService, dns]) => [dns, endpointService]),
)
