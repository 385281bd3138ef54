import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { roleOf } from '../../template/task-definition';
import type { BackingProps } from '../backing';
import type { Doubles } from '../doubles';
import type { SecretStore } from '../secrets';
import { SignedDoor } from './door';
import { Roles } from './roles';
import { type CorsRule, S3 } from './s3';
import { Ses } from './ses';

/** Services of AWS that tasks call with the credentials of their role. */
export interface SignedServices {
  readonly roles: Roles;
  readonly s3: SignedDoor;
  /** Names of the buckets of the template. */
  readonly buckets: readonly string[];
  /** Undefined where no part of the template sends mail. */
  readonly ses?: Ses;
}

/** Makes the buckets of the template, and opens doors to S3 and SES that take signed requests alone. */
export async function provisionSigned(
  props: BackingProps,
  doubles: Doubles,
  secrets: SecretStore,
): Promise<SignedServices> {
  const { assembly, intrinsics, sandbox, announce } = props;
  const roles = new Roles({ assembly, intrinsics, secrets, announce });
  const cors = await provisionBuckets(props, doubles);
  const s3 = await SignedDoor.open(sandbox, roles, new S3(doubles, roles, cors));
  doubles.endpoints.ofTasks.set('S3', s3.endpoint);
  const ses = provisionMail(props, roles);
  if (ses !== undefined) {
    const { endpoint } = await SignedDoor.open(sandbox, roles, ses);
    doubles.endpoints.ofTasks.set('SES', endpoint);
    doubles.endpoints.ofTasks.set('SESV2', endpoint);
    announce.substitution(
      'mail is kept in a folder of this run and delivered to nobody: there is no sandbox of SES here',
    );
  }
  return { roles, s3, buckets: [...cors.keys()], ses };
}

/** Gives the rules for browsers, by bucket. */
async function provisionBuckets(
  { assembly, intrinsics }: BackingProps,
  doubles: Doubles,
): Promise<ReadonlyMap<string, readonly CorsRule[]>> {
  const rules = new Map<string, readonly CorsRule[]>();
  for (const { id, resource } of intrinsics.created('AWS::S3::Bucket')) {
    const name = `${assembly.stackName}-${id}`.toLowerCase().slice(0, 63);
    await doubles.createBucket(name);
    intrinsics.register(id, { ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } });
    rules.set(name, intrinsics.properties(resource).CorsConfiguration?.CorsRules ?? []);
  }
  return rules;
}

/** SES, where a role may send mail. */
function provisionMail({ assembly, intrinsics, sandbox, announce }: BackingProps, roles: Roles): Ses | undefined {
  const identities = new Set<string>();
  const configurationSets = new Set<string>();
  for (const { id, resource } of intrinsics.created('AWS::SES::EmailIdentity')) {
    const name = String(intrinsics.properties(resource).EmailIdentity);
    intrinsics.register(id, { ref: name });
    identities.add(name.toLowerCase());
  }
  for (const { id, resource } of intrinsics.created('AWS::SES::ConfigurationSet')) {
    const name = String(intrinsics.properties(resource).Name ?? `${assembly.stackName}-${id}`).slice(0, 64);
    intrinsics.register(id, { ref: name });
    configurationSets.add(name);
  }
  // What is brought is in no template: policies name it.
  const all = intrinsics
    .created('AWS::ECS::TaskDefinition')
    .map(({ resource }) => roleOf(resource.Properties?.TaskRoleArn));
  for (const role of new Set(all)) {
    for (const resource of roles.resourcesOf(role ?? '')) {
      const [, kind, name] = /^arn:[^:]*:ses:[^:]*:[^:]*:(identity|configuration-set)\/(.+)$/.exec(resource) ?? [];
      if (name !== undefined) {
        (kind === 'identity' ? identities : configurationSets).add(kind === 'identity' ? name.toLowerCase() : name);
      }
    }
  }
  if (identities.size === 0) {
    return undefined;
  }
  const { region, account } = assembly;
  const folder = sandbox.folder('mails');
  let count = 0;
  return new Ses({
    ...{ roles, announce, region, account, identities, configurationSets },
    keep: ({ raw }) => {
      count++;
      const file = path.join(folder, `${String(count).padStart(4, '0')}-${randomUUID().slice(0, 8)}.eml`);
      writeFileSync(file, raw, { mode: 0o600 });
      return path.relative(sandbox.directory, file);
    },
  });
}
