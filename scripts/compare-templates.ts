import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';

/** What is read of a template. */
export interface Template {
  readonly Resources?: {
    readonly [id: string]: { readonly Type: string; readonly Properties?: { readonly [name: string]: unknown } };
  };
}

/** Templates by the name of their stack. */
export interface Templates {
  readonly [stack: string]: Template;
}

/** A stateful resource that would lose what it stores. */
export interface Loss {
  readonly stack: string;
  readonly id: string;
  readonly why: string;
}

/**
 * The types that store something, and those of their properties that CloudFormation can change only by making a new
 * resource, or cannot change at all.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-backup-backupvault.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
 */
export const CREATE_ONLY: { readonly [type: string]: readonly string[] } = {
  'AWS::RDS::DBInstance': [
    'AvailabilityZone',
    'BackupTarget',
    'CharacterSetName',
    'CustomIAMInstanceProfile',
    'DBClusterIdentifier',
    'DBInstanceIdentifier',
    'DBName',
    'DBSnapshotIdentifier',
    'DBSubnetGroupName',
    'DBSystemId',
    'Engine',
    'KmsKeyId',
    'MasterUsername',
    'NcharCharacterSetName',
    'Port',
    'SourceDBInstanceIdentifier',
    'SourceRegion',
    'StorageEncrypted',
    'Timezone',
  ],
  'AWS::KMS::Key': ['KeySpec', 'KeyUsage', 'MultiRegion', 'Origin'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::SQS::Queue': ['FifoQueue', 'QueueName'],
  'AWS::S3::Bucket': ['BucketName', 'BucketNamePrefix', 'BucketNamespace', 'ObjectLockEnabled'],
  'AWS::Backup::BackupVault': ['BackupVaultName', 'EncryptionKeyArn'],
  'AWS::Logs::LogGroup': ['LogGroupName'],
};

/** The logical ids of what a template stores, by type. */
export function statefulIds({ Resources = {} }: Template): { [type: string]: string[] } {
  const ids = Object.keys(CREATE_ONLY).map((type) => [
    type,
    Object.keys(Resources)
      .filter((id) => Resources[id].Type === type)
      .sort(),
  ]);
  return Object.fromEntries(ids.filter(([, found]) => found.length > 0));
}

/** Every stateful resource that a deployment of the new templates over the old ones would delete, orphan or replace. */
export function losses(before: Templates, after: Templates, allowed: readonly string[] = []): Loss[] {
  return Object.entries(before)
    .flatMap(([stack, template]) => {
      const found = Object.values(statefulIds(template)).flat();
      return found.flatMap((id) => reasons(id, template, after[stack]).map((why) => ({ stack, id, why })));
    })
    .filter(({ stack, id }) => !allowed.includes(id) && !allowed.includes(`${stack}/${id}`));
}

/** The templates of a synthesized assembly, those of its stages included, or the one template in a file. */
export function readTemplates(path: string, prefix = ''): Templates {
  if (!statSync(path).isDirectory()) {
    return { template: JSON.parse(readFileSync(path, 'utf8')) };
  }
  if (!existsSync(join(path, 'manifest.json'))) {
    throw new Error(
      `${path} is no synthesized assembly: it has no manifest.json. Give the folder that cdk synth wrote.`,
    );
  }
  const { artifacts = {} } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as Manifest;
  const found = Object.entries(artifacts).map(([name, { type, properties }]): Templates => {
    if (type === 'aws:cloudformation:stack') {
      return { [`${prefix}${name}`]: JSON.parse(readFileSync(join(path, properties?.templateFile as string), 'utf8')) };
    }
    return type === 'cdk:cloud-assembly'
      ? readTemplates(join(path, properties?.directoryName as string), `${prefix}${name}/`)
      : {};
  });
  return Object.assign({}, ...found);
}

interface Manifest {
  readonly artifacts?: {
    readonly [name: string]: {
      readonly type: string;
      readonly properties?: { readonly templateFile?: string; readonly directoryName?: string };
    };
  };
}

function reasons(id: string, before: Template, after: Template | undefined): string[] {
  const old = before.Resources?.[id];
  const now = after?.Resources?.[id];
  if (old === undefined || now === undefined) {
    return ['is no longer in the template: deleted, or orphaned where it is retained'];
  }
  if (now.Type !== old.Type) {
    return [`changes its type from ${old.Type} to ${now.Type}: replaced`];
  }
  return CREATE_ONLY[old.Type]
    .filter((name) => !isDeepStrictEqual(old.Properties?.[name], now.Properties?.[name]))
    .map((name) => `changes ${name} from ${said(old.Properties?.[name])} to ${said(now.Properties?.[name])}: replaced`);
}

function said(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** `npm run compare -- OLD NEW [--allow ID]...`: exits with 1 when something stored would be lost. */
function main(): void {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { allow: { type: 'string', multiple: true } },
  });
  if (positionals.length !== 2) {
    process.stderr.write(
      'usage: npm run compare -- OLD NEW [--allow ID]...   (assemblies as of cdk synth, or templates)\n',
    );
    process.exitCode = 2;
    return;
  }
  const [before, after] = positionals.map((path) => readTemplates(path));
  const found = losses(before, after, values.allow);
  for (const { stack, id, why } of found) {
    process.stdout.write(`${stack}/${id} ${why}\n`);
  }
  const compared = Object.values(before).flatMap((template) => Object.values(statefulIds(template)).flat()).length;
  process.stdout.write(`${compared} stateful resources compared, ${found.length} would be lost\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

if (require.main === module) {
  main();
}
