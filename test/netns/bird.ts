/** BGP over the Direct Connect line, for BIRD 2: what each side says, and how soon it notices that the line is dead. */

const session = (own: string, ownAs: number, far: string, farAs: number, exported: string) => `
protocol bgp dx {
  local ${own} as ${ownAs};
  neighbor ${far} as ${farAs};
  hold time 3; keepalive time 1;
  connect delay time 1; connect retry time 2; error wait time 1, 2;
  ipv4 { import all; export ${exported}; };
}
protocol device { scan time 1; }
`

const announced = (prefixes: readonly string[]) =>
  `protocol static { ipv4; ${prefixes.map((prefix) => `route ${prefix} unreachable;`).join(' ')} }`

/** The data centre's side: private routes leave from its own address, public ones from the one that is known to AWS. */
export const onpremBird = `log stderr all;
router id 192.168.10.5;
${announced(['192.168.10.0/24', '198.51.100.64/28'])}
protocol kernel { ipv4 { import none; export filter {
  if source != RTS_BGP then reject;
  if net = 10.0.0.0/16 then krt_prefsrc = 192.168.10.5; else krt_prefsrc = 198.51.100.66;
  accept;
}; }; }
${session('169.254.100.2', 65010, '169.254.100.1', 64512, 'where source = RTS_STATIC')}`

/** AWS's side: the VPC, and over the same line the public ranges that a public virtual interface would have. */
export const awsBird = (publicRanges: readonly string[]) => `log stderr all;
router id 169.254.100.1;
${announced(['10.0.0.0/16', ...publicRanges])}
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
${session('169.254.100.1', 64512, '169.254.100.2', 65010, 'where source = RTS_STATIC')}`
