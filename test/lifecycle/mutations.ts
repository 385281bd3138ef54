import { artifactsOf, PROFILES, pairOf } from './artifacts';
import { CHANGE_MUTATIONS } from './change-mutations';
import type { Artifact } from './cli';
import { type Change, changed, type Mutation, set } from './mutation';
import {
  beforeTheGuard,
  deleteAndMakeAgain,
  type Finding,
  failAndTryAgain,
  failToAddAndTryAgain,
  fixForward,
  newAccount,
  sideBySide,
} from './scenarios';
import type { Resource } from './template';

const [production] = Object.values(artifactsOf('django-app in production'));
const [development] = Object.values(artifactsOf('django-app in development'));
const [shop, otherShop] = pairOf(PROFILES.production);

const DATABASE = 'AWS::RDS::DBInstance';
const BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const VAULT = 'AWS::Backup::BackupVault';
const LOGS = 'AWS::Logs::LogGroup';
const KEY = 'AWS::KMS::Key';
const SERVICE = 'AWS::ECS::Service';
const GUARD = 'Custom::TerminationProtection';

/** The artifact in which nothing waits for the resource that switches termination protection off. */
function withoutGuard(artifact: Artifact): Artifact {
  const guards = Object.keys(artifact.resources).filter((id) => artifact.resources[id].Type === GUARD);
  const loose = Object.entries(artifact.resources).map(([id, resource]) => {
    const others = [resource.DependsOn ?? []].flat().filter((other) => !guards.includes(other));
    return [id, { ...resource, DependsOn: others }] as const;
  });
  return { ...artifact, resources: Object.fromEntries(loose) };
}

const policy =
  (DeletionPolicy: string | undefined): Change =>
  (resource) => ({ ...resource, DeletionPolicy });
/** Fails at the services, the first that real mistakes reach. */
function atServices(artifact: Artifact): Finding[] {
  const services = Object.keys(artifact.resources).filter((id) => artifact.resources[id].Type === SERVICE);
  return failAndTryAgain(artifact, services);
}

/** Fails at the cluster, in the first minute. */
function atCluster(artifact: Artifact): Finding[] {
  const clusters = Object.keys(artifact.resources).filter((id) => artifact.resources[id].Type === 'AWS::ECS::Cluster');
  return failAndTryAgain(artifact, clusters);
}

const named = (LogGroupName: string) => set({ LogGroupName });
const withName =
  (change: Change): Change =>
  (resource, id) =>
    resource.Properties?.LogGroupName === undefined ? resource : change(resource, id);

export const MUTATIONS: readonly Mutation[] = [
  ...CHANGE_MUTATIONS,
  {
    rule: 'retain',
    fault: 'log groups with fixed names are kept on the rollback of a creation',
    findings: () =>
      atServices(
        changed(
          production,
          LOGS,
          withName((resource, id) => policy('Retain')(named(id)(resource, id) as Resource, id)),
        ),
      ),
  },
  {
    rule: 'retain-except-on-create',
    fault: 'the instance keeps a fixed name when its stack is gone',
    findings: () => deleteAndMakeAgain(changed(production, DATABASE, set({ DBInstanceIdentifier: 'shop' }))),
  },
  {
    rule: 'delete',
    fault: 'the load balancer goes with the stack, and the bucket that it has written to is to go as well',
    findings: () => deleteAndMakeAgain(changed(production, 'AWS::S3::Bucket', policy('Delete'))),
  },
  {
    rule: 'snapshot',
    fault: 'the key of the last snapshot goes with development',
    findings: () => deleteAndMakeAgain(changed(development, KEY, policy('Delete'))),
  },
  {
    rule: 'name',
    fault: 'the vault is named after the construct, and not after the stack',
    findings: () =>
      sideBySide(
        changed(shop, VAULT, set({ BackupVaultName: 'ShopAppBackupVault3491C7F7' })),
        changed(otherShop, VAULT, set({ BackupVaultName: 'ShopAppBackupVault3491C7F7' })),
      ),
  },
  {
    rule: 'name',
    fault: 'the resource policy of the firewall log is named after the construct',
    findings: () =>
      sideBySide(
        ...([shop, otherShop].map((each) =>
          changed(each, 'AWS::Logs::ResourcePolicy', set({ PolicyName: 'ShopAppWebFirewallLogGroupPolicyA6A84877' })),
        ) as [Artifact, Artifact]),
      ),
  },
  {
    rule: 'cancelled',
    fault: 'a kept vault with a fixed name is in progress when the cluster fails in the first minute',
    findings: () => {
      const vault = changed(production, VAULT, set({ BackupVaultName: 'ShopAppBackupVault3491C7F7' }));
      const guard = Object.keys(vault.resources).find((id) => vault.resources[id].Type === GUARD);
      const early = changed(vault, VAULT, (resource) => ({ ...resource, DependsOn: guard }));
      return atCluster(changed(early, VAULT, set({ EncryptionKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1' })));
    },
  },
  {
    rule: 'protection',
    fault: 'the load balancer is protected from the start',
    findings: () =>
      atServices(
        changed(
          production,
          BALANCER,
          set({ LoadBalancerAttributes: [{ Key: 'deletion_protection.enabled', Value: 'true' }] }),
        ),
      ),
  },
  {
    rule: 'protection',
    fault: 'the instance is protected from the start',
    findings: () => atServices(changed(production, DATABASE, set({ DeletionProtection: true }))),
  },
  {
    rule: 'test-file',
    fault: 'the access-log bucket is to go on the rollback, with the test file in it',
    findings: () => atServices(changed(production, 'AWS::S3::Bucket', policy('RetainExceptOnCreate'))),
  },
  {
    rule: 'writer',
    fault: 'the bucket is emptied while the load balancer still writes',
    findings: () => {
      const emptied = changed(development, 'Custom::S3AutoDeleteObjects', (resource, id) => ({
        ...resource,
        DependsOn: Object.keys(development.resources).filter(
          (other) => development.resources[other].Type === BALANCER && other !== id,
        ),
      }));
      return deleteAndMakeAgain(changed(emptied, BALANCER, (resource) => ({ ...resource, DependsOn: [] })));
    },
  },
  {
    rule: 'late-log-group',
    fault: 'the log groups of development are named without the id of the stack',
    findings: () => {
      const instance = changed(development, DATABASE, set({ DBInstanceIdentifier: 'shop' }));
      return deleteAndMakeAgain(
        changed(
          instance,
          LOGS,
          withName((resource, id) =>
            named(`/aws/rds/instance/shop/${id.includes('Upgrade') ? 'upgrade' : 'postgresql'}`)(resource, id),
          ),
        ),
      );
    },
  },
  {
    rule: 'vault',
    fault: 'the vault is to go with the stack, recovery points and all',
    findings: () => deleteAndMakeAgain(changed(production, VAULT, policy('Delete'))),
  },
  {
    rule: 'points',
    fault: 'the role of AWS Backup goes, and the recovery points stay',
    findings: () =>
      deleteAndMakeAgain(
        changed(production, 'AWS::IAM::Role', (resource, id) =>
          id.startsWith('AppBackupRole') ? { ...resource, DeletionPolicy: undefined } : resource,
        ),
      ),
  },
  ...['AWS::RDS::DBParameterGroup', 'AWS::RDS::DBSubnetGroup', 'AWS::EC2::Subnet', 'AWS::EC2::VPC'].map((type) => ({
    rule: 'held',
    fault: `the ${type} of a kept instance is to go`,
    findings: () => deleteAndMakeAgain(changed(production, type, policy(undefined))),
  })),
  {
    rule: 'held',
    fault: 'the security group of a kept instance is to go',
    findings: () =>
      deleteAndMakeAgain(
        changed(production, 'AWS::EC2::SecurityGroup', (resource, id) =>
          id.startsWith('AppDatabaseSecurityGroup') ? { ...resource, DeletionPolicy: undefined } : resource,
        ),
      ),
  },
  {
    rule: 'needed',
    fault: 'the key of what production keeps goes with the stack',
    findings: () => deleteAndMakeAgain(changed(production, KEY, policy('Delete'))),
  },
  {
    rule: 'needed',
    fault: 'the monitoring role of a kept instance stays, and its policy goes',
    findings: () => deleteAndMakeAgain(changed(production, 'AWS::IAM::ManagedPolicy', policy(undefined))),
  },
  {
    rule: 'linked-role',
    fault: 'in a new account the first attempt fails, and nothing makes the second one possible',
    findings: () => newAccount(changed(production, GUARD, () => undefined)),
  },
  {
    rule: 'cli',
    fault: 'nothing switches termination protection off on the rollback',
    findings: () => atServices(changed(production, GUARD, () => undefined)),
  },
  {
    rule: 'no-rollback',
    fault: 'what failed and was kept holds the name that it is made anew with',
    findings: () => {
      const group: Resource = { Type: LOGS, Properties: { LogGroupName: '/shop' }, DeletionPolicy: 'Retain' };
      return fixForward({ ...production, resources: { ...production.resources, Group: group } }, ['Group']);
    },
  },
  {
    rule: 'guard',
    fault: 'what switches termination protection off is made beside the rest, and not before it',
    findings: () => beforeTheGuard(withoutGuard(production)),
  },
  {
    rule: 'protected-last',
    fault: 'deletion protection is switched on in the middle, so that a deletion stops half-way',
    findings: () =>
      deleteAndMakeAgain(
        changed(production, 'Custom::DeletionProtection', (resource) => ({ ...resource, DependsOn: undefined })),
      ),
  },
  {
    rule: 'update',
    fault: 'a log group with a fixed name that an update adds is kept when the update is rolled back',
    findings: () => {
      const group: Resource = { Type: LOGS, Properties: { LogGroupName: '/shop' }, DeletionPolicy: 'Retain' };
      return failToAddAndTryAgain({ ...production, resources: { ...production.resources, Group: group } });
    },
  },
];
