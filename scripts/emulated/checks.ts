import type { StackEvent, StackResource } from '@aws-sdk/client-cloudformation';
import { Client } from 'pg';
import { dependenciesOf, type Resource, referencesIn, type Template } from './template/template';
import { STACK, type World } from './world';

/** Ids of a template whose resources have a type, or a type that begins so. */
export function idsOf({ Resources }: Template, type: string): string[] {
  return Object.keys(Resources).filter((id) => Resources[id].Type.startsWith(type));
}

/** Logical ids that an event of a status was told of, in order. */
export function told(events: readonly StackEvent[], status: string): string[] {
  return events.filter((event) => event.ResourceStatus === status).map((event) => String(event.LogicalResourceId));
}

/** What failed, and why, and each state of a rollback. */
export function failures(events: readonly StackEvent[]): string[] {
  return events
    .filter(({ ResourceStatus = '' }) => /FAILED|ROLLBACK/.test(ResourceStatus))
    .map((event) => `${event.LogicalResourceId} ${event.ResourceStatus} ${event.ResourceStatusReason ?? ''}`);
}

/** The physical ids of a stack by logical id. */
export function physical(resources: readonly StackResource[]): { [id: string]: string } {
  return Object.fromEntries(resources.map((each) => [each.LogicalResourceId, each.PhysicalResourceId ?? '']));
}

/** The stack has exactly the resources of its template, each in a state. */
export async function checkResources({ report, aws }: World, template: Template, statuses: RegExp): Promise<void> {
  const found = await aws.resources(STACK);
  report.same(
    `the stack has exactly the ${Object.keys(template.Resources).length} resources of the template`,
    found.map(({ LogicalResourceId }) => LogicalResourceId).sort(),
    Object.keys(template.Resources).sort(),
  );
  const others = found.filter(({ ResourceStatus = '' }) => !statuses.test(ResourceStatus));
  report.same(
    `each of them is ${statuses.source}`,
    others.map(({ LogicalResourceId }) => LogicalResourceId),
    [],
  );
}

/** Each resource was begun after everything that it depends on was complete. */
export function checkOrder({ report }: World, template: Template, events: readonly StackEvent[]): void {
  const begun = told(events, 'CREATE_IN_PROGRESS');
  const complete = new Map(told(events, 'CREATE_COMPLETE').map((id, at) => [id, at]));
  const positions = new Map<string, { begun: number; complete: number }>();
  for (const id of begun) {
    positions.set(id, {
      begun: events.findIndex(
        (event) => event.LogicalResourceId === id && event.ResourceStatus === 'CREATE_IN_PROGRESS',
      ),
      complete: events.findIndex(
        (event) => event.LogicalResourceId === id && event.ResourceStatus === 'CREATE_COMPLETE',
      ),
    });
  }
  let edges = 0;
  const wrong: string[] = [];
  for (const [id, resource] of Object.entries(template.Resources)) {
    for (const needed of needs(resource, template)) {
      edges += 1;
      const [one, other] = [positions.get(id), positions.get(needed)];
      if (one === undefined || other === undefined || other.complete < 0 || other.complete > one.begun) {
        wrong.push(`${id} before ${needed}`);
      }
    }
  }
  report.that(
    `the order of creation obeys ${edges} edges of the template`,
    edges > 300 && complete.size > 0 && wrong.length === 0,
    wrong.slice(0, 5).join(', '),
  );
}

/** Everything that a resource needs, at any distance. */
export function behind(id: string, template: Template, found: Set<string> = new Set()): Set<string> {
  for (const each of needs(template.Resources[id], template).filter((needed) => !found.has(needed))) {
    found.add(each);
    behind(each, template, found);
  }
  return found;
}

/** The resources that one refers to or waits for. */
function needs(resource: Resource, { Resources }: Template): string[] {
  const found = new Set([...dependenciesOf(resource), ...referencesIn(resource.Properties)]);
  return [...found].filter((id) => id in Resources);
}

/** Everything of one kind was complete before anything of the other was begun. */
export function checkBefore(report: World['report'], events: readonly StackEvent[], one: string, other: string): void {
  const at = (type: string, status: RegExp) =>
    events.flatMap((event, index) =>
      event.ResourceType?.startsWith(type) && status.test(event.ResourceStatus ?? '') ? [index] : [],
    );
  const last = Math.max(...at(one, /^(CREATE|UPDATE)_COMPLETE$/));
  const first = Math.min(...at(other, /^(CREATE|UPDATE)_IN_PROGRESS$/));
  report.that(
    `${one} is complete before any ${other} begins`,
    Number.isFinite(last) && Number.isFinite(first) && last < first,
    `${last}, ${first}`,
  );
}

/** The secrets of the application log in to the real server, and act as the roles that the template names. */
export async function checkRoles(world: World, template: Template): Promise<void> {
  const { aws, report, standIns, emulator } = world;
  const ids = physical(await aws.resources(STACK));
  const [roles] = idsOf(template, 'Custom::DatabaseRoles').map((id) => template.Resources[id].Properties);
  const [instance] = idsOf(template, 'AWS::RDS::DBInstance').map((id) => ids[id]);
  const database = [...standIns.databases.values()]
    .filter((each) => each.instance.DBInstanceIdentifier === instance)
    .at(-1);
  for (const [secret, role] of [
    ['ApplicationSecretArn', roles.ServingRole],
    ['OwnerSecretArn', roles.Owner],
  ]) {
    const value = JSON.parse((await aws.secretValue(ids[roles[secret].Ref])) ?? '{}');
    const found = await actsAs(value, database?.server.port ?? 1, emulator.ca.cert);
    report.same(`the login of ${secret} acts as ${role} in PostgreSQL`, found, role);
  }
}

interface Login {
  readonly username: string;
  readonly password: string;
  readonly dbname: string;
}

async function actsAs({ username, password, dbname }: Login, port: number, ca: string): Promise<string> {
  const client = new Client({ host: 'localhost', port, user: username, password, database: dbname, ssl: { ca } });
  try {
    await client.connect();
    return (await client.query('SELECT current_user AS role')).rows[0].role;
  } catch (error) {
    return `nobody: ${(error as Error).message}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The versions of every secret of the stack: what a deployment must not change. */
export async function secretVersions({ aws }: World): Promise<{ [id: string]: string }> {
  const secrets = (await aws.resources(STACK)).filter((each) => each.ResourceType === 'AWS::SecretsManager::Secret');
  const versions = secrets.map(async ({ LogicalResourceId = '', PhysicalResourceId = '' }) => [
    LogicalResourceId,
    await aws.secretVersion(PhysicalResourceId),
  ]);
  return Object.fromEntries(await Promise.all(versions));
}

/** Resources whose policy keeps them, whatever happens or whatever happens after their creation. */
export function kept({ Resources }: Template, policies: readonly string[]): string[] {
  return Object.keys(Resources).filter((id) => policies.includes(Resources[id].DeletionPolicy ?? 'Delete'));
}
