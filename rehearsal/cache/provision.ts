import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import type { BackingProps } from '../aws/backing';
import { type CustomResourceProps, makeCustomResources } from '../aws/custom-resource';
import type { Doubles } from '../aws/doubles';
import type { SecretStore } from '../aws/secrets';
import type { Resource } from '../template/assembly';
import { CacheUsers } from './user-api';
import { valkeyProgram } from './valkey-program';
import { ValkeyServer } from './valkey-server';

/** Where Debian, Alpine and others have the authorities that programs trust. */
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/** The caches of a template, and what processes need to trust them. */
export interface Caches {
  /** By the logical id of the replication group. */
  readonly servers: ReadonlyMap<string, ValkeyServer>;
  /** Variables of every task. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts a server for each replication group of the template, and has the stack's own handler make the user
 * and complete the secret. The secrets exist by now.
 */
export async function provisionCaches(props: BackingProps, doubles: Doubles, secrets: SecretStore): Promise<Caches> {
  const { assembly, intrinsics, sandbox, cache, announce, authority, certificate } = props;
  const groups = intrinsics.created('AWS::ElastiCache::ReplicationGroup');
  if (groups.length === 0) {
    return { servers: new Map(), environment: {} };
  }
  announce.progress('Valkey with TLS');
  const program = await valkeyProgram(sandbox, cache);
  const servers = new Map<string, ValkeyServer>();
  for (const { id, resource } of groups) {
    servers.set(id, await startServer(props, resource, program));
  }
  const made = new CacheUsers((userId) => admitting(props, servers, userId));
  doubles.endpoints.ofHandlers.set('ELASTICACHE', await made.listen(sandbox));
  const resources: CustomResourceProps = {
    ...{ assembly, intrinsics, doubles, announce, region: assembly.region },
    ...{ ca: authority.certificate, server: certificate },
  };
  nameGroups(props);
  await makeCustomResources(resources, 'Custom::CacheUser', 'user of the cache: the handler of');
  for (const [id, server] of servers) {
    intrinsics.register(id, {
      ref: id.toLowerCase(),
      attributes: { 'PrimaryEndPoint.Address': server.host, 'PrimaryEndPoint.Port': String(server.port) },
    });
  }
  await makeCustomResources(resources, 'Custom::CacheAddress', 'address of the cache: the handler of');
  for (const { resource } of intrinsics.created('Custom::CacheAddress')) {
    secrets.remember(await secrets.read(String(intrinsics.properties(resource).SecretArn)));
  }
  announce.substitution(
    'the cache is one Valkey of this machine, without replicas, behind a door of the rehearsal that speaks TLS',
  );
  return { servers, environment: { SSL_CERT_FILE: trusted(props) } };
}

async function startServer(props: BackingProps, resource: Resource, program: string): Promise<ValkeyServer> {
  const { assembly, intrinsics, sandbox, certificate, announce } = props;
  const { TransitEncryptionEnabled, UserGroupIds = [] } = intrinsics.properties(resource);
  const group = assembly.template.Resources[String(resource.Properties?.CacheParameterGroupName?.Ref)];
  const parameters = group === undefined ? {} : intrinsics.properties(group).Properties;
  const isOpen = UserGroupIds.length === 0;
  if (isOpen) {
    announce.substitution('the cache lets everybody of this machine in: the template gives it no group of users');
  }
  return ValkeyServer.start({
    sandbox,
    program,
    certificate: String(TransitEncryptionEnabled) === 'true' ? certificate : undefined,
    parameters: parameters ?? {},
    isOpen,
  });
}

/** What the references of the template to groups of users mean here. */
function nameGroups({ intrinsics }: BackingProps): void {
  for (const { id, resource } of intrinsics.created('AWS::ElastiCache::UserGroup')) {
    intrinsics.register(id, { ref: String(intrinsics.properties(resource).UserGroupId ?? id) });
  }
}

/** The servers whose groups have a user. */
function admitting(
  { intrinsics }: BackingProps,
  servers: ReadonlyMap<string, ValkeyServer>,
  userId: string,
): ValkeyServer[] {
  const groups = intrinsics
    .created('AWS::ElastiCache::UserGroup')
    .map(({ resource }) => intrinsics.properties(resource))
    .filter(({ UserIds = [] }) => UserIds.includes(userId))
    .map(({ UserGroupId }) => UserGroupId);
  return intrinsics.created('AWS::ElastiCache::ReplicationGroup').flatMap(({ id, resource }) => {
    const { UserGroupIds = [] } = intrinsics.properties(resource);
    const server = servers.get(id);
    return server !== undefined && UserGroupIds.some((group: string) => groups.includes(group)) ? [server] : [];
  });
}

/**
 * The authorities that everybody trusts, and the local one: ElastiCache has certificates of Amazon's, which
 * processes know, so that no setting of a project names any. OpenSSL reads the variable that names this file.
 */
function trusted({ sandbox, authority, announce }: BackingProps): string {
  const file = path.join(sandbox.folder('certificates'), 'trusted.crt');
  const own = existsSync(SYSTEM_BUNDLE) ? [readFileSync(SYSTEM_BUNDLE, 'utf8')] : [];
  writeFileSync(file, [...own, ...rootCertificates, authority.certificate.cert].join('\n'));
  announce.substitution('SSL_CERT_FILE names a file that has the local certificate authority beside the public ones');
  return file;
}
