import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks, isUnknown, secondsOf } from '../../core/checks';
import { checkReservedConcurrency } from '../../core/handler-function';
import { checkRotationPeriod, checkRotationWindow } from '../../core/secret-rotation';
import { RETIRE_SECONDS } from '../../handlers/shared/retirement';
import type { UrlSigningKeysProps } from '../url-signing-keys';

const DAY = Duration.days(1).toSeconds();
/** For so many days a key may sign after its rotation began. */
const DAYS_TO_LEAVE = Math.ceil(RETIRE_SECONDS / DAY);
/** Secrets Manager rotates after 999 days at the latest. */
const LONGEST_LIFETIME = (999 - DAYS_TO_LEAVE) * DAY;

/** Validates the props of keys that sign URLs, with their defaults filled in. */
export function checkUrlSigningKeys(
  scope: Construct,
  props: UrlSigningKeysProps,
  { longestLifetime, period }: { readonly longestLifetime: Duration; readonly period: Duration },
): void {
  const checks = new Checks(scope).duration('longestLifetime', longestLifetime, {
    whole: 'seconds',
    min: 1,
    max: LONGEST_LIFETIME,
    remedy: 'Give the longest `expire` that your code signs with, AWS_QUERYSTRING_EXPIRE of your settings.',
  });
  checkRotationPeriod(checks, 'rotationPeriod', period);
  const names = { window: 'rotationWindow', period: 'rotationPeriod' };
  checkRotationWindow(checks, names, period, props.rotationWindow);
  checkReservedConcurrency(checks, props.handlerReservedConcurrency);
  const least = isUnknown(longestLifetime) ? 0 : Math.ceil(secondsOf(longestLifetime) / DAY) + DAYS_TO_LEAVE;
  checks
    .that(names.period, period, isUnknown(period) || secondsOf(period) >= least * DAY, {
      must: `be at least ${least} days: ${DAYS_TO_LEAVE} more than \`longestLifetime\``,
      remedy:
        'Addresses of one key must have expired before the next is replaced: rotate less often, or sign for a shorter time.',
    })
    .throwIfAny();
}
