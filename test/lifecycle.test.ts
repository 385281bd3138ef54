import { RULES } from './lifecycle/rules';

describe('the model of CloudFormation', () => {
  test.each(RULES.map(({ id, ...rule }) => [id, rule] as const))('keeps the rule %s', (_, { run, expected }) => {
    expect(run()).toBe(expected);
  });

  test('says where every rule comes from, and each once', () => {
    expect(RULES.filter(({ source }) => !/^https:|#\d+|^docs\/|^aws-cdk /.test(source))).toEqual([]);
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  });
});
