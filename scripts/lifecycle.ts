/**
 * `npm run lifecycle`: the life of every example in a model of CloudFormation, and the faults that it must
 * notice.
 */
import { artifactsOf, PROFILES, pairOf } from '../test/lifecycle/artifacts';
import { MUTATIONS } from '../test/lifecycle/mutations';
import { RULES } from '../test/lifecycle/rules';
import { type Finding, findingsOf, idsOf, needsTheOneCommand, sideBySide } from '../test/lifecycle/scenarios';
import { EXAMPLES } from './examples';

let [passed, failed] = [0, 0];

function row(name: string, ok: boolean, note: string): void {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}: ${note}`);
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
}

function lives(name: string, resources: number, find: () => Finding[], note = ''): void {
  const began = performance.now();
  const findings = find();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  row(name, findings.length === 0, `${resources} resources, ${findings.length} findings${note} (${seconds} s)`);
  for (const { scenario, at, problem } of findings.slice(0, 3)) {
    console.log(`       ${scenario}${at === undefined ? '' : `, fails at ${at}`}: ${problem}`);
  }
}

console.log('Rules, each with a case whose end was worked out by hand:');
for (const { id, sentence, source, run, expected } of RULES) {
  row(id, run() === expected, `${sentence} [${source}]`);
}
console.log(
  'Every resource fails once in the first deployment, and every leaf in a later one; deleted; a new account:',
);
for (const example of Object.keys(EXAMPLES)) {
  for (const [name, artifact] of Object.entries(artifactsOf(example))) {
    const early = idsOf(artifact).filter((id) => needsTheOneCommand(artifact, id)).length;
    const note = early === 0 ? '' : `, ${early} that fail before anything can switch termination protection off`;
    lives(name, idsOf(artifact).length, () => findingsOf(artifact), note);
  }
}
console.log('Two stacks with the same ids under two names, with a replica, in one account:');
for (const [name, profile] of Object.entries(PROFILES)) {
  const [one, other] = pairOf(profile);
  lives(`${name}, side by side`, idsOf(one).length + idsOf(other).length, () => sideBySide(one, other));
  lives(`${name}, with a replica`, idsOf(one).length, () => findingsOf(one));
}
console.log('Faults that were there once, put back:');
for (const { rule, fault, findings } of MUTATIONS) {
  const found = findings();
  row(`${rule}: ${fault}`, found.length > 0, found[0]?.problem ?? 'not noticed');
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
