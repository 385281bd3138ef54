import { App, Stack } from 'aws-cdk-lib';

import { Bucket } from 'aws-cdk-lib/aws-s3';
import { complianceOf, type Finding, pairsOf } from '../scripts/compliance';
import { wholeTemplate } from '../scripts/lib/whole-template';
import { productionExample } from '../scripts/production-example';
import { PROTECTIONS } from './compliance/protections';
import { mutated } from './controls/control';
import { Graph } from './wiring/graph';

const packs = complianceOf((props) => productionExample(props).app);
const acknowledged: Finding[] = packs.flatMap(({ acknowledgements }) => acknowledgements);
const rules = [...new Set(acknowledged.map(({ rule }) => rule))].sort();
const template = new Graph(wholeTemplate(productionExample().stack).Resources);

describe('the production example against four rule packs', () => {
  test.each(packs)('$pack finds nothing that is not acknowledged', ({ findings }) => {
    expect(findings).toEqual([]);
  });

  test('acknowledges at most 18 rules, and 40 pairs of rule and resource', () => {
    expect(rules.length).toBeLessThanOrEqual(18);
    expect(pairsOf(acknowledged).length).toBeLessThanOrEqual(40);
  });

  test('gives a reason of a sentence or more for each', () => {
    const unreasoned = acknowledged.filter(({ reason = '' }) => !/^[A-Z0-9].{40,}\.$/.test(reason));
    expect(unreasoned).toEqual([]);
  });

  test('has a test of what protects instead for each rule, and none that is no longer needed', () => {
    expect(PROTECTIONS.flatMap((protection) => protection.rules).sort()).toEqual(rules);
  });

  test('is looked at by packs that bite', () => {
    const found = complianceOf((props) => {
      const app = new App(props);
      new Bucket(new Stack(app, 'Stack'), 'Bucket');
      return app;
    });
    expect(found.map(({ pack, findings }) => [pack, findings.length > 0])).toEqual(
      packs.map(({ pack }) => [pack, true]),
    );
  });
});

describe.each(PROTECTIONS)('where $rules is acknowledged: $sentence', ({ offenders, mutants }) => {
  test('holds in the production example', () => {
    expect(offenders(template)).toEqual([]);
  });

  test.each(Object.keys(mutants))('and the test notices: %s', (name) => {
    expect(offenders(mutated(template, mutants[name]))).not.toEqual([]);
  });
});
