import { complianceOf, type Finding, pairsOf } from './compliance';
import { productionExample } from './production-example';

/**
 * `npm run nag`: what four rule packs find in the production example, and what is acknowledged.
 *
 * `--json` prints the same as JSON.
 */
const packs = complianceOf((props) => productionExample(props).app);
const acknowledged = packs.flatMap(({ acknowledgements }) => acknowledgements);
const findings = packs.flatMap((pack) => pack.findings);
const pairs = pairsOf(acknowledged);
const rules = [...new Set(acknowledged.map(({ rule }) => rule))].sort();

if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify({ packs, acknowledgedRules: rules, acknowledgedPairs: pairs }, null, 2)}\n`);
} else {
  for (const { pack, findings, acknowledgements } of packs) {
    print(`${pack}: ${findings.length} unacknowledged, ${pairsOf(acknowledgements).length} acknowledged`);
    for (const finding of findings) {
      print(`  NOT ACKNOWLEDGED  ${finding.rule}  ${finding.path}`);
    }
  }
  print(`\nAcknowledged over all packs: ${rules.length} rules, ${pairs.length} pairs of rule and resource`);
  for (const rule of rules) {
    const ofRule = acknowledged.filter((finding) => finding.rule === rule);
    print(`  ${rule}`);
    for (const [reason, paths] of byReason(ofRule)) {
      print(`    ${[...paths].join(', ')}\n      ${reason}`);
    }
  }
}
process.exitCode = findings.length === 0 ? 0 : 1;

function byReason(findings: Finding[]): Map<string, Set<string>> {
  const reasons = new Map<string, Set<string>>();
  for (const { reason, path } of findings) {
    const key = reason ?? 'NO REASON GIVEN';
    reasons.set(key, (reasons.get(key) ?? new Set()).add(path));
  }
  return reasons;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
