import { artifactsOf } from './artifacts';
import { change, offAndOn } from './changes';
import type { Artifact } from './cli';
import { type Change, changed, type Mutation, set } from './mutation';
import type { Finding } from './scenarios';
import type { Resource, Resources } from './template';

const GUARD = 'Custom::ChangeGuard';
const SECRET = 'AWS::SecretsManager::Secret';
const RECORD = 'AWS::Route53::RecordSet';
const RULE = 'AWS::ElasticLoadBalancingV2::ListenerRule';
const DATABASE = 'AWS::RDS::DBInstance';

const VAULT = 'AWS::Backup::BackupVault';
const SUBNET = 'AWS::EC2::Subnet';

const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555';

const names = ['shop.example.com'];
const production: Artifact = { ...Object.values(artifactsOf('django-app in production'))[0], names };

/** What a change of the templates of two deployments does wrong. */
function findings(before: Artifact, after: Artifact): Finding[] {
  return change(before, after).problems.map((problem) => ({ scenario: 'is changed', problem }));
}

/** The artifact with all resources of a type under other logical ids, as a place in a list would give them. */
function underOtherIds(artifact: Artifact, type: string): Artifact {
  const entries = Object.entries(artifact.resources).map(([id, resource]) => {
    return [resource.Type === type ? `${id}2` : id, resource] as const;
  });
  return { ...artifact, resources: Object.fromEntries(entries) };
}

/** The artifact with other values in its guard. */
function guarded(artifact: Artifact, values: { readonly [name: string]: unknown }): Artifact {
  return changed(artifact, GUARD, set(values));
}

/** Another database name, as the templates of before and after have it. */
function renamed(artifact: Artifact): Artifact {
  const [guard] = Object.values(artifact.resources).filter(({ Type }) => Type === GUARD);
  const Database = { ...guard.Properties.Database, 'databaseOptions.databaseName': 'orders' };
  return guarded(changed(artifact, DATABASE, set({ DBName: 'orders' })), { Database });
}

const otherTemplate: Change = (resource) => ({
  ...resource,
  Properties: {
    ...resource.Properties,
    GenerateSecretString: { ...resource.Properties.GenerateSecretString, SecretStringTemplate: '{"dbname":"orders"}' },
  },
});

const without = (artifact: Artifact, type: string) => changed(artifact, type, () => undefined);

/** Nothing waits for the guard. */
function loose(artifact: Artifact): Artifact {
  const guards = Object.keys(artifact.resources).filter((id) => artifact.resources[id].Type === GUARD);
  const resources = Object.entries(artifact.resources).map(([id, resource]): [string, Resource] => {
    return [id, { ...resource, DependsOn: [resource.DependsOn ?? []].flat().filter((each) => !guards.includes(each)) }];
  });
  return { ...artifact, resources: Object.fromEntries(resources) as Resources };
}

/** Neither the backups nor what the guard holds of them. */
function withoutBackup(artifact: Artifact): Artifact {
  const kept = Object.entries(artifact.resources).filter(
    ([id]) => !id.startsWith('AppBackup') && !id.includes('AlarmsBackup'),
  );
  return guarded({ ...artifact, resources: Object.fromEntries(kept) }, { VaultKey: undefined });
}

/** What is wrong when the backups are switched off and on again. */
function backupOffAndOn(artifact: Artifact): Finding[] {
  return offAndOn(artifact, withoutBackup(artifact)).map((problem) => ({ scenario: 'backups off and on', problem }));
}

/** A zone less: the subnet group of the database loses a subnet. */
const fewerSubnets: Change = (resource) => ({
  ...resource,
  Properties: { ...resource.Properties, SubnetIds: resource.Properties.SubnetIds.slice(0, 1) },
});

export const CHANGE_MUTATIONS: readonly Mutation[] = [
  {
    rule: 'secret',
    fault: 'another name goes into the template of a secret, and not into its id',
    findings: () => findings(production, changed(production, SECRET, otherTemplate)),
  },
  {
    rule: 'replaced',
    fault: 'another database name replaces the instance, and no guard refuses it',
    findings: () => {
      const artifact = without(production, GUARD);
      return findings(artifact, changed(artifact, DATABASE, set({ DBName: 'orders' })));
    },
  },
  {
    rule: 'replaced',
    fault: 'another name of the instance replaces it by an empty one, and no guard refuses it',
    findings: () => {
      const artifact = without(production, GUARD);
      return findings(artifact, changed(artifact, DATABASE, set({ DBInstanceIdentifier: 'empty' })));
    },
  },
  {
    rule: 'record',
    fault: 'records have their ids from their place in a list of names',
    findings: () => findings(production, underOtherIds(production, RECORD)),
  },
  {
    rule: 'record',
    fault: 'a certificate drops the hosted zone, and the guard knows no records',
    findings: () => {
      const artifact = guarded(production, { Records: [] });
      return findings(artifact, without(artifact, RECORD));
    },
  },
  {
    rule: 'priority',
    fault: 'rules have their ids from their names, and their priorities from their place',
    findings: () => findings(production, underOtherIds(production, RULE)),
  },
  {
    rule: 'subnet-addresses',
    fault: 'another zone makes subnets anew, and the guard does not hold the zones',
    findings: () => {
      const artifact = guarded(production, { Network: undefined });
      return findings(artifact, changed(artifact, SUBNET, set({ AvailabilityZone: 'eu-central-1c' })));
    },
  },
  {
    rule: 'subnet-group',
    fault: 'a zone is taken away, and the guard does not hold the zones',
    findings: () => {
      const artifact = guarded(production, { Network: undefined });
      return findings(artifact, changed(artifact, 'AWS::RDS::DBSubnetGroup', fewerSubnets));
    },
  },
  {
    rule: 'replaced',
    fault: 'another key of the vault makes an empty vault, and the guard does not hold the key',
    findings: () => {
      const artifact = guarded(production, { VaultKey: undefined });
      return findings(artifact, changed(artifact, VAULT, set({ EncryptionKeyArn: KEY_ARN })));
    },
  },
  {
    rule: 'name',
    fault: 'the vault that stays when backups are switched off has the name of the next one',
    findings: () => backupOffAndOn(changed(production, VAULT, set({ BackupVaultName: 'ShopAppBackupVault' }))),
  },
  {
    rule: 'points',
    fault: 'the role goes when backups are switched off, and the recovery points stay',
    findings: () =>
      backupOffAndOn(
        changed(production, 'AWS::IAM::Role', (resource, id) =>
          id.startsWith('AppBackupRole') ? { ...resource, DeletionPolicy: undefined } : resource,
        ),
      ),
  },
  {
    rule: 'change-guard',
    fault: 'what is stored does not wait for the guard',
    findings: () => {
      const artifact = loose(production);
      return findings(artifact, changed(renamed(artifact), SECRET, set({ Description: 'another' })));
    },
  },
  {
    rule: 'change-guard',
    fault: 'the guard allows what nobody asked for',
    findings: () =>
      findings(production, guarded(renamed(production), { AllowedChanges: ['databaseOptions.databaseName'] })),
  },
];
