import type { IConstruct } from 'constructs';
import type { Checks } from './checks';

/**
 * Sections of docs/runbooks.md below "Alarms", as they are called in an address.
 *
 * A test holds this list against the headings.
 */
export const RUNBOOK_SECTIONS = [
  'server-errors',
  'rejected-connections',
  'malformed-requests',
  'no-healthy-task',
  'too-few-healthy-tasks',
  'slow-answers',
  'saturated',
  'tasks-missing',
  'memory-high',
  'deployment-failed',
  'deployment-alarm',
  'task-crashed',
  'application-errors',
  'heartbeat-missing',
  'oldest-task',
  'dead-letters',
  'scheduled-command-failed',
  'database-cpu',
  'database-storage',
  'database-memory',
  'database-connections',
  'database-credits',
  'transaction-ids',
  'replica-lag',
  'database-event',
  'cache-cpu',
  'cache-memory',
  'cache-evictions',
  'cache-connections',
  'cache-replication-lag',
  'backup-missing',
  'backup-failed',
  'restore-failed',
  'restore-not-proven',
  'dump-missing',
  'dump-shrank',
  'dump-slow',
  'dump-failed',
  'dump-copy-failed',
  'drill-missing',
  'drill-failed',
  'drill-outgrown',
  'certificate-expiry',
  'rotation-errors',
  'rotation-failed',
  'refresh-failed',
  'refresh-errors',
  'bounce-rate',
  'complaint-rate',
  'mail-returned',
] as const;

/** A section of the runbooks. A report without one does not compile. */
export type RunbookSection = (typeof RUNBOOK_SECTIONS)[number];

/**
 * The version in package.json, which a test compares with this one: templates must not depend on where the
 * package lies.
 */
export const VERSION = '0.1.0';

const RUNBOOKS = `https://github.com/cdk-django-fargate/cdk-django-fargate/blob/v${VERSION}/docs/runbooks.md`;

/** Key of the context that says where the runbooks of a team are. */
const CONTEXT = 'cdk-django-fargate:runbookBase';

/** Has all alarms and reports below a construct that has no children yet link to runbooks elsewhere. */
export function setRunbookBase(scope: IConstruct, base: string | undefined): void {
  if (base !== undefined) {
    scope.node.setContext(CONTEXT, base);
  }
}

/** Validates an address of runbooks. */
export function checkRunbookBase(checks: Checks, base: string | undefined): void {
  checks.matches('runbookBase', base, /^https?:\/\/[^\s#]{1,400}$/, {
    must: 'be an address of a page of at most 400 characters, without a fragment',
    remedy: 'Give the page with the sections of docs/runbooks.md, for example "https://wiki.example.com/runbooks".',
  });
}

/**
 * Address of a section of the runbooks: those of the team, or those of this package, as they were when this
 * version was released.
 */
export function runbookUrl(scope: IConstruct, section: RunbookSection): string {
  return `${scope.node.tryGetContext(CONTEXT) ?? RUNBOOKS}#${section}`;
}
