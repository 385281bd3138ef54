import { Account } from './account';
import { type Artifact, deploy, destroy } from './cli';
import { CloudFormation, type Failure, type Stack } from './cloudformation';
import { damage } from './services';
import type { Resource, Resources } from './template';

/** A rule of the model: what AWS does, who says so, and a case whose end was worked out by hand. */
export interface Rule {
  readonly id: string;
  readonly sentence: string;
  readonly source: string;
  /** Runs the case; gives what happened, in words. */
  readonly run: () => string;
  /** What must have happened. */
  readonly expected: string;
}

const CFN = 'https://docs.aws.amazon.com/AWSCloudFormation/latest';
const POLICY = `${CFN}/TemplateReference/aws-attribute-deletionpolicy.html`;

const RULE = 'AWS::ElasticLoadBalancingV2::ListenerRule';

const key: Resource = { Type: 'AWS::KMS::Key' };
const log = (name: string, more: Partial<Resource> = {}): Resource => ({
  Type: 'AWS::Logs::LogGroup',
  Properties: { LogGroupName: name },
  ...more,
});
const database = (properties: { readonly [name: string]: unknown }, more: Partial<Resource> = {}): Resource => ({
  Type: 'AWS::RDS::DBInstance',
  Properties: { DBInstanceIdentifier: 'shop', ...properties },
  ...more,
});
const balancer = (attributes: { readonly [key: string]: unknown }, dependsOn: string[] = []): Resource => ({
  Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
  Properties: { LoadBalancerAttributes: Object.entries(attributes).map(([Key, Value]) => ({ Key, Value })) },
  DependsOn: dependsOn,
});
const queue = (dependsOn: string[]): Resource => ({ Type: 'AWS::SQS::Queue', DependsOn: dependsOn });
const keptAfterCreation = { DeletionPolicy: 'RetainExceptOnCreate' };

/** Deploys, with a failure at `Last` in the first attempt, and again without. */
function twice(resources: Resources, others: Failure['others'] = 'late', protection = false): string {
  const cloudFormation = new CloudFormation(new Account());
  const artifact: Artifact = { stackName: 'Shop', resources, terminationProtection: protection };
  const first = deploy(cloudFormation, artifact, { at: 'Last', others });
  const second = deploy(cloudFormation, artifact);
  return `${first.status}, ${second.status}`;
}

/**
 * Deploys one template over another; says what the stack consists of, what is another thing than before, how often
 * a secret was generated, and, where asked, what was changed.
 */
function over(before: Resources, after: Resources, sayChanged = false): string {
  const cloudFormation = new CloudFormation(new Account());
  const artifact = (resources: Resources): Artifact => ({ stackName: 'Shop', resources, terminationProtection: false });
  deploy(cloudFormation, artifact(before));
  const stack = cloudFormation.stacks.get('Shop') as Stack;
  const had = new Set(stack.made.values());
  const { status } = deploy(cloudFormation, artifact(after));
  const made = [...stack.made].map(([id, thing]) => {
    const isAnother = id in before && !had.has(thing);
    const generated = thing.generated === 1 ? '' : ` (${thing.generated})`;
    return `${isAnother ? 'another ' : ''}${id}${generated}${sayChanged && thing.changes > 0 ? ' changed' : ''}`;
  });
  return `${status}: ${made.join(', ')}`;
}

/** Deploys and deletes; says what is left, and what it lacks. */
function lifetime(resources: Resources): string {
  const account = new Account();
  const cloudFormation = new CloudFormation(account);
  deploy(cloudFormation, { stackName: 'Shop', resources, terminationProtection: false });
  const before = [...account.things.values()];
  const { status } = destroy(cloudFormation, 'Shop');
  const left = [...account.things.values()].map(({ logicalId, name }) => logicalId ?? name);
  return [`${status}: ${left.join(', ') || 'nothing'}`, ...damage(account, before)].join('; ');
}

export const RULES: readonly Rule[] = [
  {
    id: 'delete',
    sentence: 'Without a policy, or with Delete, a resource goes with its stack and in a rollback.',
    source: POLICY,
    run: () => lifetime({ Key: key, Queue: { Type: 'AWS::SQS::Queue', DeletionPolicy: 'Delete' } }),
    expected: 'DELETE_COMPLETE: nothing',
  },
  {
    id: 'retain',
    sentence: 'Retain keeps a resource, also in the rollback of the operation that created it.',
    source: POLICY,
    run: () => twice({ Log: log('/shop', { DeletionPolicy: 'Retain' }), Last: queue(['Log']) }),
    expected: 'ROLLBACK_COMPLETE, ROLLBACK_COMPLETE', // The second finds the name of the first.
  },
  {
    id: 'retain-except-on-create',
    sentence: 'RetainExceptOnCreate keeps a resource, except in the rollback of the operation that created it.',
    source: POLICY,
    run: () =>
      [
        twice({ Log: log('/shop', keptAfterCreation), Last: queue(['Log']) }),
        lifetime({ Log: log('/shop', keptAfterCreation) }),
      ].join(', '),
    expected: 'ROLLBACK_COMPLETE, CREATE_COMPLETE, DELETE_COMPLETE: Log',
  },
  {
    id: 'snapshot',
    sentence: 'Snapshot deletes an instance after a last snapshot, which is encrypted with the key of the instance.',
    source: `${POLICY} and https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html`,
    run: () => lifetime({ Key: key, Database: database({ KmsKeyId: { Ref: 'Key' } }, { DeletionPolicy: 'Snapshot' }) }),
    expected:
      'DELETE_COMPLETE: Database (snapshot); AWS::RDS::DBSnapshot Database (snapshot) cannot be read: AWS::KMS::Key Key is gone',
  },
  {
    id: 'name',
    sentence: 'A fixed name exists once in an account and region: whoever holds it, the next one is refused.',
    source: `${CFN}/UserGuide/troubleshooting.html and aws/aws-cdk#29180`,
    run: () => {
      const cloudFormation = new CloudFormation(new Account());
      const vault: Resource = { Type: 'AWS::Backup::BackupVault', Properties: { BackupVaultName: 'ShopVault' } };
      const artifact = { resources: { Vault: vault }, terminationProtection: false };
      return ['one', 'two'].map((stackName) => deploy(cloudFormation, { stackName, ...artifact }).status).join(', ');
    },
    expected: 'CREATE_COMPLETE, ROLLBACK_COMPLETE',
  },
  {
    id: 'cancelled',
    sentence: 'A failing resource finds every independent one in progress: these are cancelled, and rolled back too.',
    source: `${CFN}/UserGuide/stack-failure-options.html`,
    run: () => twice({ Log: log('/shop', { DeletionPolicy: 'Retain' }), Last: queue([]) }, 'early'),
    expected: 'ROLLBACK_COMPLETE, ROLLBACK_COMPLETE', // The log group was in progress, and its policy keeps it.
  },
  {
    id: 'protection',
    sentence: 'A database or balancer that is protected against deletion stops a rollback and a deletion.',
    source: 'aws-cloudformation/rain#187 and https://docs.aws.amazon.com/elasticloadbalancing/latest/application/',
    run: () => twice({ Balancer: balancer({ 'deletion_protection.enabled': 'true' }), Last: queue(['Balancer']) }),
    expected: 'ROLLBACK_FAILED, DELETE_FAILED',
  },
  {
    id: 'test-file',
    sentence: 'A new load balancer writes a test file into its access-log bucket, and a bucket goes only when empty.',
    source: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html',
    run: () =>
      twice({
        Bucket: { Type: 'AWS::S3::Bucket' },
        Balancer: balancer({ 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': { Ref: 'Bucket' } }),
        Last: queue(['Balancer']),
      }),
    expected: 'ROLLBACK_FAILED, DELETE_FAILED',
  },
  {
    id: 'writer',
    sentence: 'A load balancer that still exists fills a bucket that is being emptied.',
    source: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html',
    run: () =>
      lifetime({
        Bucket: { Type: 'AWS::S3::Bucket' },
        Empty: { Type: 'Custom::S3AutoDeleteObjects', Properties: { BucketName: { Ref: 'Bucket' } } },
        Balancer: balancer({ 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': { Ref: 'Bucket' } }, ['Empty']),
      }),
    expected: 'DELETE_COMPLETE: nothing', // The balancer goes first, since it depends on what empties the bucket.
  },
  {
    id: 'late-log-group',
    sentence: 'RDS delivers logs after an instance is gone, and makes its log groups once more.',
    source: 'hashicorp/terraform-provider-aws#42858',
    run: () =>
      twice({
        Log: log('/aws/rds/instance/shop/postgresql'),
        Database: database({ EnableCloudwatchLogsExports: ['postgresql'] }, { DependsOn: ['Log'] }),
        Last: queue(['Database']),
      }),
    expected: 'ROLLBACK_COMPLETE, ROLLBACK_COMPLETE',
  },
  {
    id: 'vault',
    sentence: 'A backup vault with recovery points cannot be deleted.',
    source: 'https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html and aws/aws-cdk#33711',
    run: () =>
      lifetime({
        Vault: { Type: 'AWS::Backup::BackupVault' },
        Plan: { Type: 'AWS::Backup::BackupPlan', Properties: { TargetBackupVault: { Ref: 'Vault' } } },
        Selection: { Type: 'AWS::Backup::BackupSelection', Properties: { BackupPlanId: { Ref: 'Plan' } } },
      }),
    expected: 'DELETE_FAILED: Vault',
  },
  {
    id: 'points',
    sentence: 'Recovery points never expire when the role is gone that made them.',
    source: 'https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteRecoveryPoint.html',
    run: () =>
      lifetime({
        Role: { Type: 'AWS::IAM::Role' },
        Vault: { Type: 'AWS::Backup::BackupVault', DeletionPolicy: 'Retain' },
        Plan: { Type: 'AWS::Backup::BackupPlan', Properties: { TargetBackupVault: { Ref: 'Vault' } } },
        Selection: {
          Type: 'AWS::Backup::BackupSelection',
          Properties: { BackupPlanId: { Ref: 'Plan' }, IamRoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } },
        },
      }),
    expected:
      'DELETE_COMPLETE: Vault; points in AWS::Backup::BackupVault Vault never expire: AWS::IAM::Role Role is gone',
  },
  {
    id: 'held',
    sentence:
      'What a kept instance uses cannot be deleted: parameter group, subnet group, security group, subnets, VPC.',
    source: 'aws/aws-cdk#22141',
    run: () =>
      lifetime({
        Vpc: { Type: 'AWS::EC2::VPC' },
        Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' } } },
        Group: { Type: 'AWS::EC2::SecurityGroup', Properties: { VpcId: { Ref: 'Vpc' } } },
        Parameters: { Type: 'AWS::RDS::DBParameterGroup' },
        Subnets: { Type: 'AWS::RDS::DBSubnetGroup', Properties: { SubnetIds: [{ Ref: 'Subnet' }] } },
        Database: database(
          {
            DBParameterGroupName: { Ref: 'Parameters' },
            DBSubnetGroupName: { Ref: 'Subnets' },
            VPCSecurityGroups: [{ 'Fn::GetAtt': ['Group', 'GroupId'] }],
          },
          { DeletionPolicy: 'Retain' },
        ),
      }),
    expected: 'DELETE_FAILED: Vpc, Subnet, Group, Parameters, Subnets, Database',
  },
  {
    id: 'needed',
    sentence:
      'What is kept is of no use without its key, its role, and the policy of the role; nothing prevents that they go.',
    source: 'https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html',
    run: () =>
      lifetime({
        Role: { Type: 'AWS::IAM::Role', DeletionPolicy: 'Retain' },
        Policy: { Type: 'AWS::IAM::ManagedPolicy', Properties: { Roles: [{ Ref: 'Role' }] } },
        Key: key,
        Secret: {
          Type: 'AWS::SecretsManager::Secret',
          Properties: { KmsKeyId: { Ref: 'Key' } },
          DeletionPolicy: 'Retain',
        },
      }),
    expected:
      'DELETE_COMPLETE: Role, Secret; AWS::SecretsManager::Secret Secret cannot be read: AWS::KMS::Key Key is gone; AWS::IAM::Role Role may do nothing: AWS::IAM::ManagedPolicy Policy is gone',
  },
  {
    id: 'linked-role',
    sentence:
      'The first ECS cluster of an account fails, since the service-linked role that it makes is not there yet.',
    source: 'aws-cloudformation/cloudformation-coverage-roadmap#818',
    run: () => {
      const cloudFormation = new CloudFormation(new Account(new Set()));
      const artifact = { stackName: 'Shop', resources: { Cluster: { Type: 'AWS::ECS::Cluster' } } };
      const attempt = () => deploy(cloudFormation, { ...artifact, terminationProtection: false }).status;
      return [attempt(), attempt()].join(', ');
    },
    expected: 'ROLLBACK_COMPLETE, CREATE_COMPLETE',
  },
  {
    id: 'cli',
    sentence: 'cdk deploy deletes a stack whose creation failed, after it has switched its termination protection on.',
    source: 'aws-cdk 2.1148.1, lib/index.js, lines 113649 to 113660, 113994 and 114153 to 114171',
    run: () => twice({ Last: queue([]) }, 'late', true),
    expected: 'ROLLBACK_COMPLETE, REFUSED',
  },
  {
    id: 'no-rollback',
    sentence: 'With --no-rollback a failed creation stays; the next one makes anew what failed, and what is missing.',
    source:
      'aws-cdk 2.1148.1, lib/index.js, lines 107904 to 107906, and https://docs.aws.amazon.com/cdk/v2/guide/cli.html',
    run: () => {
      const cloudFormation = new CloudFormation(new Account());
      const resources: Resources = {
        Log: log('/shop'),
        Last: { ...log('/last'), DependsOn: ['Log'] },
        After: queue(['Last']),
      };
      const artifact: Artifact = { stackName: 'Shop', resources, terminationProtection: true };
      const first = deploy(cloudFormation, artifact, { at: 'Last', others: 'late', withoutRollback: true });
      const second = deploy(cloudFormation, artifact);
      return `${first.status}, ${second.status}: ${cloudFormation.account.things.size}`;
    },
    expected: 'CREATE_FAILED, UPDATE_COMPLETE: 3',
  },
  {
    id: 'guard',
    sentence: 'A custom resource at the bottom, which goes last in a rollback, switches termination protection off.',
    source: 'docs/adr/0013-protection-last.md',
    run: () => twice({ Guard: { Type: 'Custom::TerminationProtection' }, Last: queue(['Guard']) }, 'late', true),
    expected: 'ROLLBACK_COMPLETE, CREATE_COMPLETE',
  },
  {
    id: 'protected-last',
    sentence: 'A custom resource on top switches protection on last, off in a rollback, and stops a deletion at once.',
    source: 'docs/adr/0013-protection-last.md',
    run: () => {
      const resources: Resources = {
        Balancer: balancer({}),
        Last: { Type: 'Custom::DeletionProtection', Properties: { Balancers: [{ Ref: 'Balancer' }] } },
      };
      return [twice(resources), lifetime(resources)].join(', ');
    },
    expected: 'ROLLBACK_COMPLETE, CREATE_COMPLETE, DELETE_FAILED: Balancer, Last',
  },
  {
    id: 'update',
    sentence: 'The rollback of an update deletes what the update created, also with RetainExceptOnCreate.',
    source: POLICY,
    run: () => {
      const cloudFormation = new CloudFormation(new Account());
      const artifact = (resources: Resources) => ({ stackName: 'Shop', resources, terminationProtection: false });
      const full = artifact({ Key: key, Log: log('/shop', keptAfterCreation), Last: queue(['Log']) });
      const attempts = [
        deploy(cloudFormation, artifact({ Key: key })),
        deploy(cloudFormation, full, { at: 'Last', others: 'late' }),
        deploy(cloudFormation, full),
      ];
      return attempts.map(({ status }) => status).join(', ');
    },
    expected: 'CREATE_COMPLETE, UPDATE_ROLLBACK_COMPLETE, UPDATE_COMPLETE',
  },
  {
    id: 'replaced',
    sentence: 'A change that replaces a resource makes the new one first, which a fixed name prevents.',
    source: `${CFN}/UserGuide/using-cfn-updating-stacks-update-behaviors.html`,
    run: () =>
      [{ DBInstanceIdentifier: 'shop' }, { DBInstanceIdentifier: 'other' }]
        .map((name) =>
          over({ Database: database({ DBName: 'one' }) }, { Database: database({ DBName: 'two', ...name }) }),
        )
        .join(', '),
    expected: 'UPDATE_ROLLBACK_COMPLETE: Database, UPDATE_COMPLETE: another Database',
  },
  {
    id: 'secret',
    sentence: 'Another GenerateSecretString generates another password, and the rollback of that one more.',
    source: 'aws/aws-cdk#7518',
    run: () => {
      const secret = (template: string): Resource => ({
        Type: 'AWS::SecretsManager::Secret',
        Properties: { GenerateSecretString: { SecretStringTemplate: template } },
      });
      const taken = { Other: log('/shop'), Same: { ...log('/shop'), DependsOn: ['Secret'] } };
      return [
        over({ Secret: secret('a') }, { Secret: secret('b') }),
        over({ Secret: secret('a') }, { Secret: secret('b'), ...taken }),
      ].join(', ');
    },
    expected: 'UPDATE_COMPLETE: Secret (2), UPDATE_ROLLBACK_COMPLETE: Secret (3)',
  },
  {
    id: 'record',
    sentence: 'A record cannot be created while one of its name and type exists, under whatever logical id.',
    source: 'https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html',
    run: () => {
      const record = { Type: 'AWS::Route53::RecordSet', Properties: { HostedZoneId: 'Z1', Name: 'a.', Type: 'A' } };
      return over({ First: record }, { Second: record });
    },
    expected: 'UPDATE_ROLLBACK_COMPLETE: First',
  },
  {
    id: 'priority',
    sentence: 'Two rules of a listener cannot have one priority, not even for a moment.',
    source: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html',
    run: () => {
      const rule = (Priority: number) => ({ Type: RULE, Properties: { ListenerArn: { Ref: 'Listener' }, Priority } });
      const Listener = { Type: 'AWS::ElasticLoadBalancingV2::Listener' };
      return [
        over({ Listener, One: rule(1) }, { Listener, Other: rule(1) }),
        over({ Listener, One: rule(1), Two: rule(2) }, { Listener, One: rule(2), Two: rule(1) }),
        over({ Listener, One: rule(1) }, { Listener, One: rule(3), Two: rule(2) }),
      ].join(', ');
    },
    expected:
      'UPDATE_ROLLBACK_COMPLETE: Listener, One, UPDATE_ROLLBACK_COMPLETE: Listener, One, Two, UPDATE_COMPLETE: Listener, One, Two',
  },
  {
    id: 'subnet-addresses',
    sentence: 'A subnet cannot be made anew, as another zone needs it, while the old one has its addresses.',
    source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html',
    run: () => {
      const subnet = (AvailabilityZone: string, CidrBlock: string): Resources => ({
        Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
        Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' }, AvailabilityZone, CidrBlock } },
      });
      return ['10.0.0.0/24', '10.0.1.0/24'].map((block) => over(subnet('a', '10.0.0.0/24'), subnet('b', block))).join();
    },
    expected: 'UPDATE_ROLLBACK_COMPLETE: Vpc, Subnet,UPDATE_COMPLETE: Vpc, another Subnet',
  },
  {
    id: 'subnet-group',
    sentence: 'The subnet group of an instance gets further subnets, and gives none away that the instance may be in.',
    source: 'https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html',
    run: () => {
      const group = (...used: string[]): Resources => ({
        One: { Type: 'AWS::EC2::Subnet' },
        Two: { Type: 'AWS::EC2::Subnet' },
        Group: { Type: 'AWS::RDS::DBSubnetGroup', Properties: { SubnetIds: used.map((Ref) => ({ Ref })) } },
        Database: database({ DBSubnetGroupName: { Ref: 'Group' } }),
      });
      return [over(group('One'), group('One', 'Two')), over(group('One', 'Two'), group('One'))].join(', ');
    },
    expected: 'UPDATE_COMPLETE: One, Two, Group, Database, UPDATE_ROLLBACK_COMPLETE: One, Two, Group, Database',
  },
  {
    id: 'change-guard',
    sentence: 'A custom resource that fails an update stops everything that depends on it, and lets the rollback pass.',
    source: 'docs/adr/0014-what-must-not-change.md',
    run: () => {
      const stack = (Records: string[], Description: string) => ({
        Guard: { Type: 'Custom::ChangeGuard', Properties: { Names: ['a'], Records } },
        Waits: { Type: 'AWS::SQS::Queue', Properties: { Description }, DependsOn: ['Guard'] },
        Free: { Type: 'AWS::SQS::Queue', Properties: { Description } },
      });
      return [over(stack(['a'], '1'), stack([], '2'), true), over(stack(['a'], '1'), stack(['a'], '2'), true)].join(
        ', ',
      );
    },
    expected:
      'UPDATE_ROLLBACK_COMPLETE: Guard, Waits, Free changed, UPDATE_COMPLETE: Guard, Waits changed, Free changed',
  },
];
