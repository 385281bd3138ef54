import { readAssembly } from '../../rehearsal/template/assembly';
import { complianceOf, type Finding, pairsOf } from '../../scripts/compliance';
import { everyPart, everyPartAbroad, productionExample } from '../../scripts/production-example';
import { mutated } from '../controls/control';
import { Graph } from '../wiring/graph';
import { PROTECTIONS_OF_PARTS } from './parts';

const acknowledgedIn = (packs: ReturnType<typeof complianceOf>): Finding[] =>
  packs.flatMap(({ acknowledgements }) => acknowledgements);
const without = pairsOf(acknowledgedIn(complianceOf((props) => productionExample(props).app)));

/** Where nobody knows the Region, and where a stack in us-east-1 has certificate and firewall. */
const VARIANTS = { everyPart, everyPartAbroad };
const all = Object.entries(VARIANTS).map(([name, make]) => {
  const packs = complianceOf((props) => make(props).app);
  return { name, packs, pairs: pairsOf(acknowledgedIn(packs)), make };
});

describe.each(all)('$name against four rule packs', ({ packs, pairs, make }) => {
  test.each(packs)('$pack finds nothing that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges at most 55 pairs of rule and resource, 15 more than the example alone', () => {
    expect(pairs.length).toBeLessThanOrEqual(55);
    expect(pairs.length - without.length).toBeLessThanOrEqual(15);
  });

  test('gives a reason of a sentence or more for each', () => {
    const unreasoned = acknowledgedIn(packs).filter(({ reason = '' }) => !/^[A-Z0-9].{40,}\.$/.test(reason));
    expect(unreasoned).toEqual([]);
  });

  // Those of its nested stacks, too.
  const { app, stack } = make();
  const template = new Graph(
    readAssembly(app.synth().directory, stack.stackName).template.Resources as Graph['resources'],
  );

  describe.each(PROTECTIONS_OF_PARTS)('where $rules is acknowledged: $sentence', ({ offenders, mutants }) => {
    test('holds', () => {
      expect(offenders(template)).toEqual([]);
    });

    test.each(Object.keys(mutants))('and the test notices: %s', (name) => {
      expect(offenders(mutated(template, mutants[name]))).not.toEqual([]);
    });
  });
});

test('each rule that the parts add a pair of has a test of what protects instead, and none that is not needed', () => {
  const added = all.flatMap(({ pairs }) => pairs.filter((pair) => !without.includes(pair)));
  const rules = [...new Set(added.map((pair) => pair.split(' ')[0]))].sort();
  expect(PROTECTIONS_OF_PARTS.flatMap((protection) => protection.rules).sort()).toEqual(rules);
});
