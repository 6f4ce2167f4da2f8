/**
 * The example configuration, as `deploy/pathproof.yml` holds it too. A key with "#" right before it is switched off: without its
 * "#" the example is valid as well.
 */
export const exampleConfig = `# yaml-language-server: $schema=/usr/share/pathproof/pathproof.schema.json
#
# Configuration of pathproof. Check it with: pathproof config check FILE
# Unknown keys are errors. Durations have units: 250ms, 30s, 5m, 1h30m.
# A key with "#" right before it is switched off; take away the "#" to use it.

# The version of this format.
version: 1

# Where this host stands: auto (finds out), ec2 or on-prem.
agent: { vantage: auto }

# What is to be proven. Without any target, those of an EC2 host are discovered.
targets:
    # The label of its metrics: lower-case letters, digits, ".", "_" and "-".
  - name: artifacts
    # The service as it is called in its host names, and its region.
    service: s3
    region: us-east-1
    # Only for S3: the bucket whose host names are watched.
    bucket: my-bucket
    # The kinds of host name that the software on this host uses.
    styles: [global, regional, dualstack]
    # What is demanded: private, blocked, or a list of the classes of path that are allowed.
    require: private
    # The weakest proof that meets it: configured, observed or attested.
    min_proof: configured
    # The way out of the site that is demanded, for a host on-prem: any, direct_connect or vpn.
    require_first_leg: any
    # How often it is looked at. Or: cron, five fields in UTC.
    every: 30s
    # How long one connection may take.
    timeout: 5s
    # The address or interface to connect from. Left out: the kernel chooses.
    #source: 10.0.1.50
    # Whose answers count: system is the host's own name service.
    resolvers: [system]
    # Whose answers are only compared.
    compare_resolvers: [corp]
    # How long an attempt that stronger evidence settled stays good. Left out: no longer than any other.
    #evidence_age: 1h
    # How old the confirmation may be that min_proof observed or attested asks for.
    confirm_within: 30m

    # One host name instead of a service.
  - name: sts-global
    hostname: sts.amazonaws.com
    port: 443
    cron: "*/5 * * * *"
    # Excuses the requirement until the end of a day (UTC). The verdict stays what it is.
    waiver: { reason: "legacy SDK", ticket: NET-12, until: 2099-12-31 }

# Name servers besides the host's own.
resolvers:
  - { name: corp, address: "10.1.1.53:53" }

# Endpoints that other accounts own: dns_name (the endpoint's own), address, or gateway (of a shared VPC);
# via: what leads there, a transit gateway, virtual private gateway, core network or site.
#trusted_endpoints: [{ dns_name: vpce-0123456789abcdef0-abcdefgh.s3.eu-west-1.vpce.amazonaws.com, via: tgw-0123456789abcdef0 }]

# How the account's configuration is read: aws (the API), directory (output of the AWS CLI), file or s3 (a shared snapshot).
topology:
  source: directory
  directory: /var/lib/pathproof/snapshot
  # How often route tables are read, and how old they may be before they are no evidence.
  refresh: 60s
  max_age: 3m
  # The same for everything else.
  other_refresh: 5m
  other_max_age: 15m
  # Further accounts, for endpoints that they own: by a role in them, or a directory.
  #also: [{ role_arn: "arn:aws:iam::444455556666:role/pathproof-read", external_id: pathproof, region: us-east-1 }, { directory: /var/lib/pathproof/network-account }]
  # Where the APIs are asked, if not at AWS's own names: https, or http on loopback.
  #endpoint: { ec2: https://vpce-0123456789abcdef0-abcdefgh.ec2.us-east-1.vpce.amazonaws.com, sts: https://vpce-0123456789abcdef0-abcdefgh.sts.us-east-1.vpce.amazonaws.com }

# Flow records as evidence, and the census of all flows. The log is found by ec2:DescribeFlowLogs; log_group (or s3, with
# format) names one where that is not allowed, role_arn a role that reads it in another account.
#flow_logs: { enabled: true, every: 60s, log_group: /vpc/flow, format: "\${version} \${interface-id} \${srcaddr} \${dstaddr}", role_arn: "arn:aws:iam::444455556666:role/pathproof-read" }

# CloudWatch's metrics of endpoints and NAT gateways, beside the verdicts. They cost money.
#cloudwatch: { every: 5m }

# Signed requests that AWS itself answers for. They cost money.
#canary: { every: 5m, bucket: my-canary, control: c, positive: p, negative: n, endpoint: vpce-0123456789abcdef0, source_ip: true, source_addresses: [10.0.1.50], vpc: vpc-0123456789abcdef0, region: us-east-1 }

# Management calls on probed connections, whose records in CloudTrail name the endpoint.
#cloudtrail: { every: 15m }

# Sites of one's own outside AWS, with their address ranges.
#sites: [{ name: dc1, first_leg: direct_connect, next_hops: [169.254.100.0/30], prefixes: [192.168.0.0/16], snat_relay: false }]

# Traces by TCP on the probed port with an installed mtr or traceroute, and the Direct Connect API: what shows the first leg.
#trace: { every: 5m }
#direct_connect: { every: 5m, region: us-east-1 }

# Ways out that must be closed, tried again and again; each is something that would answer from elsewhere, and control is a
# target that must be reachable by the same means. proxy: as software that heeds the proxy variables of the environment.
#egress: { every: 60s, timeout: 5s, must_fail: [{ name: cloudflare-443, url: "tcp://1.1.1.1:443", control: artifacts }, { name: web-by-proxy, url: "https://example.com", control: artifacts, proxy: true }] }

# Named facts of the account and this host, beside the verdicts and never part of them.
#posture: { enabled: true }

# The append-only record of what was seen and judged.
# key_file (or kms_key, or the systemd credential ledger-key) signs its checkpoints; anchors are copies outside the host.
#ledger: { directory: /var/lib/pathproof/ledger, name: example.com/pathproof/host-1, key_file: /etc/pathproof/ledger-key.pem, previous_key_file: /etc/pathproof/ledger-key-2025.pem, checkpoint_every: 5m, segment_size: 64MiB, retention: 400d, on_full: continue, anchors: { cloudwatch_logs: { log_group: /pathproof/ledger }, s3: { bucket: my-evidence, prefix: ledgers, object_lock: compliance } } }

# Where verdicts go besides /metrics. CloudWatch costs money.
#exporters: { cloudwatch: { namespace: pathproof, every: 60s }, events: { file: /var/log/pathproof/events.jsonl } }

# The HTTP surface.
web:
  # Address and port, or fd:N for a descriptor that was passed in.
  listen: "127.0.0.1:10097"
  # Where the metrics are.
  telemetry_path: /metrics
  # Whether POST /-/reload reads this file anew.
  reload: false

# Bounds.
limits:
  # Host names over all targets.
  names: 2000
  # Connections that wait for the network at once: in all, and for one target.
  connects: 256
  connects_per_target: 16
  # TLS handshakes at once. Above 16 the agent would measure its own queue.
  handshakes: 8
  # How long an address that DNS gave is kept and judged, and how many of one name.
  hold_window: 15m
  hold_addresses: 4096

# Roots for TLS where the public ones do not serve, by partition.
#partition_roots: [{ partition: aws-iso, file: /etc/pathproof/aws-iso.pem }]

# Prefixes of NAT64 besides 64:ff9b::/96.
#nat64_prefixes: ["2001:db8:64::/96"]
`
