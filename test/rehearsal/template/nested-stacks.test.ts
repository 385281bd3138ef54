import { withNestedStacks } from '../../../rehearsal/template/nested-stacks';

const STACK = 'AWS::CloudFormation::Stack';
const outer = {
  Resources: {
    Queue: { Type: 'AWS::SQS::Queue' },
    Policy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Source: { 'Fn::GetAtt': ['Nested', 'Outputs.RuleArn'] } },
      DependsOn: ['Nested'],
    },
    Nested: {
      Type: STACK,
      Properties: { TemplateURL: 'nested', Parameters: { queue: { 'Fn::GetAtt': ['Queue', 'Arn'] } } },
      DependsOn: 'Queue',
    },
  },
  Outputs: { Rule: { Value: { 'Fn::GetAtt': ['Nested', 'Outputs.RuleArn'] } } },
};
const nested = {
  Parameters: { queue: { Type: 'String' }, name: { Type: 'String', Default: 'failures' } },
  Conditions: { Here: { 'Fn::Equals': ['a', 'a'] } },
  Mappings: { Regions: { here: { name: 'there' } } },
  Resources: {
    Role: { Type: 'AWS::IAM::Role' },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: { Ref: 'name' },
        Targets: [
          { Arn: { Ref: 'queue' }, RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] }, Region: { Ref: 'AWS::Region' } },
        ],
        Or: { Ref: 'Role' },
      },
      DependsOn: ['Role'],
      Condition: 'Here',
    },
  },
  Outputs: { RuleArn: { Value: { 'Fn::GetAtt': ['Rule', 'Arn'] } } },
};

describe('the resources of a nested stack stand in place of it', () => {
  const { Resources, Outputs, Conditions, Mappings } = withNestedStacks(outer, () => nested);

  test('with ids of their own, so that two nested stacks may have the same', () => {
    expect(Object.keys(Resources).sort()).toEqual(['NestedRole', 'NestedRule', 'Policy', 'Queue']);
  });

  test('with what was handed in, and with references among themselves', () => {
    expect(Resources.NestedRule.Properties).toEqual({
      Name: 'failures',
      Targets: [
        {
          Arn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
          RoleArn: { 'Fn::GetAtt': ['NestedRole', 'Arn'] },
          Region: { Ref: 'AWS::Region' },
        },
      ],
      Or: { Ref: 'NestedRole' },
    });
  });

  test('each waits for what the nested stack waits for, and what waits for that waits for each', () => {
    expect(Resources.NestedRule.DependsOn).toEqual(['NestedRole', 'Queue']);
    expect(Resources.Policy.DependsOn).toEqual(['NestedRole', 'NestedRule']);
  });

  test('what was handed out leads to the resource itself', () => {
    const arn = { 'Fn::GetAtt': ['NestedRule', 'Arn'] };
    expect(Resources.Policy.Properties?.Source).toEqual(arn);
    expect(Outputs).toEqual({ Rule: { Value: arn } });
  });

  test('with their conditions and mappings', () => {
    expect(Resources.NestedRule.Condition).toBe('NestedHere');
    expect(Conditions).toEqual({ NestedHere: nested.Conditions.Here });
    expect(Mappings).toEqual(nested.Mappings);
  });
});

test('a nested stack in a nested stack is read, too', () => {
  const middle = {
    Parameters: { queue: { Type: 'String' } },
    Resources: {
      Inner: { Type: STACK, Properties: { TemplateURL: 'inner', Parameters: { queue: { Ref: 'queue' } } } },
    },
    Outputs: { RuleArn: { Value: { 'Fn::GetAtt': ['Inner', 'Outputs.RuleArn'] } } },
  };
  const { Resources } = withNestedStacks(outer, ({ Properties }) =>
    Properties?.TemplateURL === 'nested' ? middle : nested,
  );
  expect(Resources.NestedInnerRule.Properties?.Targets[0].Arn).toEqual({ 'Fn::GetAtt': ['Queue', 'Arn'] });
  expect(Resources.Policy.Properties?.Source).toEqual({ 'Fn::GetAtt': ['NestedInnerRule', 'Arn'] });
});

test('one whose template lies elsewhere stays what it is', () => {
  expect(withNestedStacks(outer, () => undefined)).toEqual(outer);
});
