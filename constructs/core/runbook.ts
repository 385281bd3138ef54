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
  'database-event',
  'backup-missing',
  'backup-failed',
  'certificate-expiry',
  'rotation-errors',
  'rotation-failed',
  'refresh-failed',
  'refresh-errors',
] as const;

/** A section of the runbooks. A report without one does not compile. */
export type RunbookSection = (typeof RUNBOOK_SECTIONS)[number];

/**
 * The version in package.json, which a test compares with this one: templates must not depend on where the
 * package lies.
 */
export const VERSION = '0.1.0';

const RUNBOOKS = `https://github.com/cdk-django-fargate/cdk-django-fargate/blob/v${VERSION}/docs/runbooks.md`;

/** Address of a section of the runbooks, as they were when this version of the package was released. */
export function runbookUrl(section: RunbookSection): string {
  return `${RUNBOOKS}#${section}`;
}
