import { Annotations, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks, isUnknown, writtenAs } from '../../core/checks';
import { checkRunbookBase } from '../../core/runbook';
import { EDGE_REGION } from '../../edge/edge-region';
import { FROZEN } from '../../handlers/protection/contract';
import { checkCluster, checkTrustedProxies, vpcOfCluster } from '../../network/same-vpc';
import { checkEgress } from '../../processes/egress';
import { MAX_QUEUES } from '../../processes/scaling/worker-scaling';
import type { DjangoApplicationProps } from '../django-application-props';
import { checkOptionEffects, warnOfOptionEffects } from './option-effects';

/** Validates what one part of the application asks of another; each part validates its own props. */
export function checkApplication(scope: Construct, props: DjangoApplicationProps): void {
  writtenAs(scope, { emailAddresses: 'notificationEmails', thresholds: 'alarmThresholds' });
  const checks = new Checks(scope);
  checkOptionEffects(checks, props);
  checkReaders(checks, props);
  checkNames(checks, 'workers', props.workers);
  checkNames(checks, 'scheduledCommands', props.scheduledCommands);
  checkEgress(checks, props.egress);
  checkNetwork(checks, props);
  checkGlobalCertificate(checks, scope, props);
  checkAllowedChanges(checks, props);
  checkRunbookBase(checks, props.runbookBase);
  checks.throwIfAny();
  warnOfOptionEffects(scope, props);
  warnOfAllowedChanges(scope, props);
}

/** Names become ids of constructs, and parts of what CloudWatch and the outputs show. */
function checkNames(checks: Checks, prop: string, parts: { readonly [name: string]: unknown } = {}): void {
  for (const name of Object.keys(parts)) {
    checks.partName(prop, name).matches(prop, name, /^[A-Za-z0-9][\w. -]{0,79}$/, {
      must: 'have names of at most 80 letters, digits, spaces, dots, dashes and underscores that begin with a letter or digit',
      remedy: 'Take a name such as "reports": it becomes part of the id of what is made.',
    });
  }
}

function checkAllowedChanges(checks: Checks, { allowedChanges = [] }: DjangoApplicationProps): void {
  for (const [index, name] of allowedChanges.entries()) {
    checks.optional(`allowedChanges[${index}]`, name, () => FROZEN.some((frozen) => frozen === name), {
      must: `be one of ${FROZEN.join(', ')}`,
      remedy: 'Everything else may change without being named; copy the name from the message that refused the change.',
    });
  }
}

function warnOfAllowedChanges(scope: Construct, { allowedChanges = [] }: DjangoApplicationProps): void {
  if (allowedChanges.length > 0) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:allowedChanges',
      '`allowedChanges` lets a deployment lose what is stored. Take it out after the deployment that it is for.',
    );
  }
}

/** The application has two certificates: that of the load balancer is of its own Region. */
function checkGlobalCertificate(checks: Checks, scope: Construct, { cdn, domainNames }: DjangoApplicationProps): void {
  const isNeeded = cdn !== undefined && (domainNames ?? []).length > 0 && Stack.of(scope).region !== EDGE_REGION;
  checks.that('cdn.certificate', cdn?.certificate, !isNeeded || cdn?.certificate !== undefined, {
    must: `be given beside \`domainNames\`, from ${EDGE_REGION}`,
    remedy:
      'CloudFront takes certificates of that region alone, and `certificate` is for the load balancer. A `DjangoStack` with a hosted zone and `env: { account, region }` makes one there; otherwise request one for the same names, or leave `cdn` out.',
  });
}

/** What is brought must tell what the parts ask of a network. */
function checkNetwork(checks: Checks, { vpc, cluster, environment }: DjangoApplicationProps): void {
  if (cluster !== undefined) {
    checkCluster(checks, cluster);
  }
  const brought = vpc ?? (cluster && vpcOfCluster(cluster));
  if (brought !== undefined) {
    checkTrustedProxies(checks, vpc === undefined ? 'cluster' : 'vpc', brought, environment);
  }
}

/** Every queue that is made here is read by a worker: what is sent to another one is never done. */
function checkReaders(checks: Checks, { queues, defaultQueueName, workers }: DjangoApplicationProps): void {
  const names = Object.keys(queues ?? {});
  const byDefault = defaultQueueName ?? (names.length === 1 ? names[0] : 'default');
  const read = Object.values(workers ?? {}).flatMap(({ queueNames }) => queueNames ?? [byDefault]);
  const unread = names.filter((name) => !read.includes(name));
  checks
    .that('workers', Object.keys(workers ?? {}), workers === undefined || isUnknown(read) || unread.length === 0, {
      must: `read every queue, also ${unread.join(', ')}`,
      remedy:
        'What is sent to another one is never done: add it to `queueNames` of a worker. A queue that others read belongs into a `broker` that you bring, new CeleryBroker() with `existingQueues`.',
    })
    .that('queues', names, workers !== undefined || names.length <= MAX_QUEUES, {
      must: `be at most ${MAX_QUEUES} for the one worker that is made where \`workers\` is left out`,
      remedy: 'Name `workers`, each with its `queueNames`.',
    });
}
