import { tryPairs } from '../scripts/pairs';
import { Account } from './lifecycle/account';
import { artifactsOf, PROFILES, pairOf } from './lifecycle/artifacts';
import { CloudFormation } from './lifecycle/cloudformation';
import { MUTATIONS } from './lifecycle/mutations';
import { nameProperties } from './lifecycle/names';
import { RULES } from './lifecycle/rules';
import { findingsOf, sideBySide } from './lifecycle/scenarios';

describe('the model of CloudFormation', () => {
  test.each(RULES.map(({ id, ...rule }) => [id, rule] as const))('keeps the rule %s', (_, { run, expected }) => {
    expect(run()).toBe(expected);
  });

  test('says where every rule comes from, and each once', () => {
    expect(RULES.filter(({ source }) => !/^https:|#\d+|^docs\/|^aws-cdk /.test(source))).toEqual([]);
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  });

  test.each([
    ['AWS::Backup::BackupVault', ['BackupVaultName']],
    ['AWS::IAM::Role', ['RoleName']],
    ['AWS::KMS::Alias', ['AliasName']],
    ['AWS::Logs::LogGroup', ['LogGroupName']],
    ['AWS::RDS::DBInstance', ['DBInstanceIdentifier']],
    ['AWS::RDS::EventSubscription', ['SubscriptionName']],
    ['AWS::SecretsManager::Secret', ['Name']],
    ['AWS::EC2::VPCEndpoint', []], // Its ServiceName is that of AWS.
    ['AWS::Lambda::Permission', []], // Its FunctionName is that of another resource.
  ])("knows the name of %s from AWS's specification", (type, expected) => {
    expect(nameProperties(type)).toEqual(expected);
  });

  test('has a fault for every rule', () => {
    expect([...new Set(MUTATIONS.map(({ rule }) => rule))].sort()).toEqual(RULES.map(({ id }) => id).sort());
  });
});

// The other examples and two stacks in development: `npm run lifecycle`.
describe('the life of a production stack in that model', () => {
  const [intranet] = Object.values(artifactsOf('existing-network in production'));

  test('has no failure that blocks the next attempt, and no end that cannot be made again', () => {
    expect(findingsOf(intranet)).toEqual([]);
  });

  test('ends protected by whichever way it is deployed, and unprotected when its creation is rolled back', () => {
    const [{ resources }] = pairOf(PROFILES.production);
    const created = new CloudFormation(new Account()).create('Shop', resources, false); // As a pipeline does it.
    expect([created.status, created.terminationProtection]).toEqual(['CREATE_COMPLETE', true]);
    const [at] = Object.keys(resources).filter((each) => resources[each].Type === 'AWS::ECS::Service');
    const failed = new CloudFormation(new Account()).create('Shop', resources, false, { at, others: 'late' });
    expect([failed.status, failed.terminationProtection]).toEqual(['ROLLBACK_COMPLETE', false]);
  });

  test('goes beside that of another stack with the same ids', () => {
    expect(sideBySide(...pairOf(PROFILES.production))).toEqual([]);
  });

  test.each(MUTATIONS.map(({ fault, findings }) => [fault, findings] as const))('does not go on when %s', (_, find) => {
    expect(find()).not.toEqual([]);
  });
});

// 500 pairs from a new seed: `npm run changes`.
test('random changes of a stack lose nothing that is stored, or are refused before anything has changed', () => {
  const { deployed, refused, invalid, faults } = tryPairs(30, 1);
  expect(faults).toEqual([]);
  expect([deployed > 0, refused > 0, deployed + refused + invalid]).toEqual([true, true, 30]);
});
