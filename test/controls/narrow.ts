import type { Graph } from '../wiring/graph';
import {
  type Control,
  first,
  type MutableResource,
  type Mutant,
  roleStatements,
  set,
  statements,
  unless,
} from './control';

const ENDPOINT = 'AWS::EC2::VPCEndpoint';
const PERMISSION = 'AWS::Lambda::Permission';
const VAULT = 'AWS::Backup::BackupVault';

/** Services that document which keys they send when they assume a role. */
const SOURCES: { readonly [service: string]: RegExp } = {
  'ecs-tasks.amazonaws.com': /:ecs:.*:\*"/,
  'monitoring.rds.amazonaws.com': /:rds:.*:db:\*"/,
  'scheduler.amazonaws.com': /:scheduler:.*:schedule-group\/default"/,
  'vpc-flow-logs.amazonaws.com': /:ec2:.*:vpc-flow-log\/\*"/,
};
/** Those that document none, and whose roles nobody in another account can pass to them. */
const WITHOUT_SOURCE = ['backup.amazonaws.com', 'lambda.amazonaws.com', 'states.amazonaws.com'];

/** The security groups of tasks, from the network configuration of services and schedules. */
function groupsOfTasks(template: Graph): string[] {
  const settings = [
    ...template.ofType('AWS::ECS::Service').map((id) => template.properties(id).NetworkConfiguration),
    ...template
      .ofType('AWS::Scheduler::Schedule')
      .map((id) => template.properties(id).Target.EcsParameters.NetworkConfiguration),
  ];
  return [
    ...new Set(settings.flatMap(({ AwsvpcConfiguration }) => template.mentions(AwsvpcConfiguration.SecurityGroups))),
  ];
}

function anyGroupOfTasks(resources: { [id: string]: MutableResource }): MutableResource {
  return resources[
    Object.keys(resources).find((id) =>
      resources[id].Properties?.GroupDescription?.startsWith('Every process'),
    ) as string
  ];
}

function trustOf(service: string, change: (statement: MutableResource['Properties']) => void): Mutant {
  return (resources) => {
    const role = Object.values(resources).find(({ Type, Properties }) => {
      return Type === 'AWS::IAM::Role' && JSON.stringify(Properties.AssumeRolePolicyDocument).includes(`"${service}"`);
    });
    change(role?.Properties.AssumeRolePolicyDocument.Statement[0]);
  };
}

/** What limits the ways of whoever has broken into one part. */
export const NARROW: Control[] = [
  {
    ids: 'egress',
    sentence: 'a task speaks HTTPS, and to the database on its port',
    offenders: (template) => {
      const groups = groupsOfTasks(template);
      const databases = template
        .ofType('AWS::RDS::DBInstance')
        .flatMap((id) => template.mentions(template.properties(id).VPCSecurityGroups));
      return [
        ...(groups.length === 0 ? ['no security group of tasks'] : []),
        ...groups.filter((id) => {
          const rules = template.properties(id).SecurityGroupEgress ?? [];
          return (
            rules.length !== 1 || rules[0].IpProtocol !== 'tcp' || rules[0].FromPort !== 443 || rules[0].ToPort !== 443
          );
        }),
        ...unless(
          template,
          'AWS::EC2::SecurityGroupEgress',
          ({ GroupId, DestinationSecurityGroupId, FromPort, ToPort }) => {
            const ofTasks = template.mentions(GroupId).some((id) => groups.includes(id));
            const toDatabase = template.mentions(DestinationSecurityGroupId).some((id) => databases.includes(id));
            return !ofTasks || (toDatabase && FromPort === ToPort);
          },
        ),
      ];
    },
    mutants: {
      'every port': (resources) => {
        anyGroupOfTasks(resources).Properties.SecurityGroupEgress = [{ CidrIp: '0.0.0.0/0', IpProtocol: '-1' }];
      },
      'one more port': (resources) => {
        anyGroupOfTasks(resources).Properties.SecurityGroupEgress.push({
          CidrIp: '0.0.0.0/0',
          FromPort: 22,
          ToPort: 22,
        });
      },
      'no rules, which is every port': (resources) => {
        anyGroupOfTasks(resources).Properties.SecurityGroupEgress = undefined;
      },
      'another group': (resources) => {
        for (const { Type, Properties } of Object.values(resources)) {
          if (Type === 'AWS::EC2::SecurityGroupEgress') {
            Properties.DestinationSecurityGroupId = 'sg-0123456789abcdef0';
          }
        }
      },
    },
  },
  {
    ids: 'confused deputy, roles',
    sentence: 'a service assumes a role for sources of this account alone, where it says what it acts for',
    offenders: (template) =>
      unless(template, 'AWS::IAM::Role', ({ AssumeRolePolicyDocument }, id) =>
        statements(id, AssumeRolePolicyDocument).every(({ Principal, Condition }) => {
          const service = String((Principal as { Service?: unknown }).Service);
          const account = Condition?.StringEquals?.['aws:SourceAccount'];
          const arn = Condition?.ArnLike?.['aws:SourceArn'] ?? Condition?.StringEquals?.['aws:SourceArn'];
          return (
            WITHOUT_SOURCE.includes(service) ||
            (JSON.stringify(account) === '{"Ref":"AWS::AccountId"}' &&
              SOURCES[service]?.test(JSON.stringify(arn ?? '')))
          );
        }),
      ),
    mutants: {
      'tasks of any account': trustOf('ecs-tasks.amazonaws.com', (statement) => {
        delete statement.Condition;
      }),
      'instances of any account': trustOf('monitoring.rds.amazonaws.com', (statement) => {
        delete statement.Condition.StringEquals;
      }),
      'any source in the account': trustOf('vpc-flow-logs.amazonaws.com', (statement) => {
        delete statement.Condition.ArnLike;
      }),
      'another service': trustOf('scheduler.amazonaws.com', (statement) => {
        statement.Principal.Service = 'ec2.amazonaws.com';
      }),
    },
  },
  {
    ids: 'confused deputy, functions',
    sentence: 'Secrets Manager and EventBridge invoke a function for one secret or one rule of this account',
    offenders: (template) =>
      unless(template, PERMISSION, ({ SourceAccount, SourceArn }) => {
        return (
          JSON.stringify(SourceAccount) === '{"Ref":"AWS::AccountId"}' && template.mentions(SourceArn).length === 1
        );
      }),
    mutants: {
      'any account': set(PERMISSION, 'SourceAccount', undefined),
      'another account': set(PERMISSION, 'SourceAccount', '444455556666'),
      'any secret': set(PERMISSION, 'SourceArn', undefined),
    },
  },
  {
    ids: 'confused deputy, key',
    sentence:
      'CloudWatch uses the key for alarms of this account; EventBridge and RDS are held to it by the policy of the topic',
    offenders: (template) =>
      template.ofType('AWS::KMS::Key').flatMap((id) =>
        statements(id, template.properties(id).KeyPolicy)
          .filter(({ Principal }) => JSON.stringify(Principal).includes('"cloudwatch.amazonaws.com"'))
          .filter(({ Condition }) => Condition?.StringEquals?.['aws:SourceAccount'] === undefined)
          .map(() => id),
      ),
    mutants: {
      'alarms of any account': (resources) => {
        for (const { Type, Properties } of Object.values(resources)) {
          if (Type === 'AWS::KMS::Key') {
            for (const statement of Properties.KeyPolicy.Statement) {
              delete statement.Condition;
            }
          }
        }
      },
    },
  },
  {
    ids: 'kms:ViaService',
    sentence: 'a role uses a key through the one service that keeps what it may read, never by itself',
    offenders: (template) => {
      const using = roleStatements(template).filter(({ Action }) => Action.some((action) => action.startsWith('kms:')));
      return [
        ...(using.length === 0 ? ['no role uses a key'] : []),
        ...using
          .filter(({ Condition }) => {
            const service = JSON.stringify(Condition?.StringEquals?.['kms:ViaService'] ?? '');
            return !/"(secretsmanager|sns|sqs)\.",\{"Ref":"AWS::Region"\},"\.amazonaws\.com"/.test(service);
          })
          .map(({ id }) => id),
      ];
    },
    mutants: {
      'the key itself': (resources) => {
        const policies = Object.values(resources).filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy');
        const using = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
        delete using.find(({ Action }) => [Action].flat().includes('kms:Decrypt')).Condition;
      },
      'through any service': (resources) => {
        const policies = Object.values(resources).filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy');
        const using = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
        using.find(({ Action }) => [Action].flat().includes('kms:Decrypt')).Condition = {
          StringLike: { 'kms:ViaService': '*' },
        };
      },
    },
  },
  {
    ids: 'endpoint policies',
    sentence: 'endpoints carry requests of this account to resources of this account; two buckets of AWS are named',
    offenders: (template) =>
      unless(template, ENDPOINT, ({ PolicyDocument }, id) => {
        return (
          PolicyDocument !== undefined &&
          statements(id, PolicyDocument).every(({ Resource, Condition, Action }) => {
            const own =
              JSON.stringify(Condition?.StringEquals?.['aws:PrincipalAccount']) === '{"Ref":"AWS::AccountId"}' &&
              JSON.stringify(Condition?.StringEqualsIfExists?.['aws:ResourceAccount']) === '{"Ref":"AWS::AccountId"}';
            const [bucket] = Resource.map((each) => JSON.stringify(each));
            const layers = /-starport-layer-bucket\/\*/.test(bucket) && `${Action}` === 's3:GetObject';
            const answers = /cloudformation-custom-resource-response-/.test(bucket) && `${Action}` === 's3:PutObject';
            return own || layers || answers;
          })
        );
      }),
    mutants: {
      'no policy': set(ENDPOINT, 'PolicyDocument', undefined),
      'credentials of any account': set(ENDPOINT, 'PolicyDocument.Statement.0.Condition.StringEquals', undefined),
      'buckets of any account': set(ENDPOINT, 'PolicyDocument.Statement.0.Condition.StringEqualsIfExists', undefined),
      'layers that are written': set(ENDPOINT, 'PolicyDocument.Statement.1.Action', 's3:*'),
    },
  },
  {
    ids: 'backup vault',
    sentence:
      'the policy of the vault denies its own change, and that of the lock, to all but CloudFormation and the root user',
    offenders: (template) =>
      unless(template, VAULT, ({ AccessPolicy }, id) =>
        [
          'backup:DeleteBackupVaultAccessPolicy',
          'backup:DeleteBackupVaultLockConfiguration',
          'backup:DeleteRecoveryPoint',
          'backup:PutBackupVaultAccessPolicy',
          'backup:PutBackupVaultLockConfiguration',
          'backup:UpdateRecoveryPointLifecycle',
        ].every((action) =>
          statements(id, AccessPolicy).some(({ Effect, Action, Principal, Condition }) => {
            const exempt = JSON.stringify(Condition?.ArnNotLike?.['aws:PrincipalArn'] ?? '');
            const everybody = Effect === 'Deny' && JSON.stringify(Principal).includes('"*"') && Action.includes(action);
            return (
              everybody && (Condition === undefined || (/:root"/.test(exempt) && /cdk-\*-cfn-exec-role-/.test(exempt)))
            );
          }),
        ),
      ),
    mutants: {
      'backups that can be deleted': set(VAULT, 'AccessPolicy.Statement.0.Effect', 'Allow'),
      'a policy that can be taken away': (resources) => {
        first(resources, VAULT).Properties.AccessPolicy.Statement.pop();
      },
      'nobody who could change it': (resources) => {
        const [, statement] = first(resources, VAULT).Properties.AccessPolicy.Statement;
        statement.Condition = { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/deploy' } };
      },
    },
  },
];
