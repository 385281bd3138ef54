import { add, first, roleStatements, set, statements, unless } from '../controls/control';
import { madeByTheCdk, SECRETS_WITH_A_KEY, TOKEN_ONLY_ACTIONS } from '../controls/stores';
import type { Graph } from '../wiring/graph';
import type { Protection } from './protection';

const POLICY = 'AWS::IAM::ManagedPolicy';

/** Roles, functions and secrets. */
export const PERMISSIONS: Protection[] = [
  {
    rules: ['IAM4'],
    sentence: 'policies of AWS are on the role of AWS Backup alone, which only it can assume, for one database',
    offenders: (template) => [
      ...unless(template, 'AWS::IAM::Role', ({ ManagedPolicyArns = [], AssumeRolePolicyDocument }, id) => {
        const byAws = JSON.stringify(ManagedPolicyArns).includes(':iam::aws:policy/');
        const backup = statements(id, AssumeRolePolicyDocument).every(({ Principal }) => {
          return JSON.stringify(Principal) === '{"Service":"backup.amazonaws.com"}';
        });
        const right = ManagedPolicyArns.every((arn: unknown) =>
          /policy\/service-role\/AWSBackupServiceRolePolicyFor(Backup|Restores)"/.test(JSON.stringify(arn)),
        );
        return !byAws || madeByTheCdk(id) || (backup && right);
      }),
      ...unless(template, 'AWS::Backup::BackupSelection', ({ BackupSelection }) => {
        const { Resources = [], ListOfTags, Conditions } = BackupSelection;
        return (
          Resources.length === 1 &&
          template.mentions(Resources).some((id) => template.ofType('AWS::RDS::DBInstance').includes(id)) &&
          ListOfTags === undefined &&
          Conditions === undefined
        );
      }),
    ],
    mutants: {
      'a policy of AWS for a task': set('AWS::IAM::Role', 'ManagedPolicyArns', [
        'arn:aws:iam::aws:policy/ReadOnlyAccess',
      ]),
      'everything is backed up': set('AWS::Backup::BackupSelection', 'BackupSelection.Resources', ['*']),
      'what has a tag is backed up': set('AWS::Backup::BackupSelection', 'BackupSelection.ListOfTags', [{}]),
    },
  },
  {
    rules: ['IAM5'],
    sentence: 'four wildcards: tokens and network interfaces, which AWS forces; one log group; revisions of one task',
    offenders: (template) =>
      roleStatements(template)
        .filter(({ Resource, Action }) => /\*/.test(JSON.stringify([Resource, Action])))
        .filter(({ Resource, Action, Condition }) => {
          const [resource] = Resource.map((each) => JSON.stringify(each));
          const token = resource === '"*"' && Action.every((action) => TOKEN_ONLY_ACTIONS.includes(action));
          const monitoring =
            /:log-group:RDSOSMetrics\*"/.test(resource) &&
            Action.every((action) => /^logs:(Create|Put|Describe|Get)\w+$/.test(action));
          const revisions =
            /:task-definition\/\w+:\*"/.test(resource) &&
            `${Action}` === 'ecs:RunTask' &&
            template.mentions(Condition?.ArnEquals?.['ecs:cluster']).length === 1;
          return Resource.length > 1 || !(token || monitoring || revisions);
        })
        .map(({ id }) => id),
    mutants: {
      'every queue': set(POLICY, 'PolicyDocument.Statement.0.Resource', 'arn:aws:sqs:eu-west-1:111122223333:*'),
      'every action of a kind': set(POLICY, 'PolicyDocument.Statement.0.Action', 'sqs:Get*'),
      'every log group': (resources) => {
        const [policy] = Object.values(resources).filter(({ Properties }) =>
          JSON.stringify(Properties ?? 0).includes('RDSOSMetrics'),
        );
        policy.Properties.PolicyDocument.Statement[0].Resource = '*';
      },
      'any cluster': (resources) => {
        const [policy] = Object.values(resources).filter(
          ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('ecs:RunTask'),
        );
        policy.Properties.PolicyDocument.Statement[0].Condition = {};
      },
    },
  },
  {
    rules: ['LambdaConcurrency'],
    sentence: 'only CloudFormation invokes functions: nothing else is led to them, and nobody is let in',
    offenders: (template) => [
      ...template.ofType(
        'AWS::Lambda::Permission',
        'AWS::Lambda::EventSourceMapping',
        'AWS::Lambda::Url',
        'AWS::Lambda::EventInvokeConfig',
      ),
      ...unless(template, 'AWS::Lambda::Function', (_, id) => {
        const users = Object.keys(template.resources).filter((each) =>
          template.mentions(template.properties(each)).includes(id),
        );
        const custom = (each: string) =>
          template.resources[each].Type.startsWith('Custom::') &&
          template.mentions(template.properties(each).ServiceToken)[0] === id;
        // An alarm may look at it; that invokes nothing.
        const looks = (each: string) =>
          ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard'].includes(template.resources[each].Type);
        return users.some(custom) && users.every((each) => custom(each) || looks(each));
      }),
    ],
    mutants: {
      'anybody is let in': add('AWS::Lambda::Permission', { Principal: '*' }),
      'a rule that invokes it': (resources) => {
        const [id] = Object.keys(resources).filter((each) => resources[each].Type === 'AWS::Lambda::Function');
        first(resources, 'AWS::Events::Rule').Properties.Targets.push({ Arn: { 'Fn::GetAtt': [id, 'Arn'] } });
      },
    },
  },
  {
    rules: ['SMG4', 'SecretsManagerRotationEnabled'],
    sentence: 'secrets are generated, long and encrypted, read by two roles at most, and useless outside of the VPC',
    offenders: (template) => [
      ...SECRETS_WITH_A_KEY.offenders(template),
      ...unless(template, 'AWS::SecretsManager::Secret', (_, id) => readersOf(template, id).length <= 2),
      ...unless(
        template,
        'AWS::EC2::SecurityGroupIngress',
        ({ SourceSecurityGroupId }) => SourceSecurityGroupId !== undefined,
      ),
      // Only the handler, never a task, reads the password of the master.
      ...template
        .ofType('AWS::RDS::DBInstance')
        .flatMap((id) => template.mentions(template.properties(id).MasterUserPassword))
        .filter((secret) =>
          readersOf(template, secret).some((role) => !assumedBy(template, role, 'lambda.amazonaws.com')),
        ),
    ],
    mutants: {
      ...SECRETS_WITH_A_KEY.mutants,
      'a database open to addresses': set('AWS::EC2::SecurityGroupIngress', 'SourceSecurityGroupId', undefined),
      'tasks that read the password of the master': (resources) => {
        const [master] = Object.keys(resources).filter((id) =>
          JSON.stringify(first(resources, 'AWS::RDS::DBInstance').Properties.MasterUserPassword).includes(`"${id}"`),
        );
        const [policy] = Object.values(resources).filter(
          ({ Type, Properties }) => Type === POLICY && JSON.stringify(Properties).includes('ecr:GetAuthorizationToken'),
        );
        policy.Properties.PolicyDocument.Statement.push({
          Effect: 'Allow',
          Action: 'secretsmanager:GetSecretValue',
          Resource: { Ref: master },
        });
      },
    },
  },
];

/** The roles that may read a secret, under its own name or that of its attachment. */
function readersOf(template: Graph, secret: string): string[] {
  const names = [
    secret,
    ...template
      .ofType('AWS::SecretsManager::SecretTargetAttachment')
      .filter((id) => template.mentions(template.properties(id).SecretId).includes(secret)),
  ];
  const policies = roleStatements(template)
    .filter(({ Resource }) =>
      Resource.includes('*') ? false : template.mentions(Resource).some((id) => names.includes(id)),
    )
    .map(({ id }) => id);
  return [...new Set(policies.flatMap((id) => template.mentions(template.properties(id).Roles)))];
}

function assumedBy(template: Graph, role: string, service: string): boolean {
  return JSON.stringify(template.properties(role).AssumeRolePolicyDocument).includes(`"${service}"`);
}
