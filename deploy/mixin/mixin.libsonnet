// A mixin in the usual layout. Rules and dashboards come rendered out of the program (node scripts/rules.ts and
// node scripts/dashboards.ts in its source); this file hands them out, with two things to configure:
//   (import 'mixin.libsonnet') + { _config+:: { job: 'agents', runbookBase: 'https://wiki.example.com/pathproof' } }
{
  _config+:: {
    // The job under which the agents are scraped.
    job: 'pathproof',
    runbookBase: 'file:///usr/share/doc/pathproof/runbooks',
  },

  local config = self._config,
  local adapted(rule) =
    (if std.objectHas(rule, 'expr') then { expr: std.strReplace(rule.expr, 'job="pathproof"', 'job="%s"' % config.job) } else {})
    + (if std.objectHas(rule, 'annotations') then {
         annotations: rule.annotations {
           runbook_url: std.strReplace(super.runbook_url, 'file:///usr/share/doc/pathproof/runbooks', config.runbookBase),
         },
       } else {}),
  local adaptedGroups(file) = { groups: [group { rules: [rule + adapted(rule) for rule in group.rules] } for group in file.groups] },

  prometheusAlerts+:: adaptedGroups(import 'alerts.json'),
  prometheusRules+:: adaptedGroups(import 'rules.json'),
  grafanaDashboards+:: {
    'pathproof-fleet.json': import '../grafana/fleet.json',
    'pathproof-target.json': import '../grafana/target.json',
  },
}
