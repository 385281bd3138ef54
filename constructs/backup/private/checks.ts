import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks, isUnknown, type NumberRule, secondsOf } from '../../core/checks';
import { isScheduleExpression } from '../../core/schedule-expression';
import { BackupVaultLock } from '../backup-vault-lock';
import type { DatabaseBackupRule } from '../database-backup';

const LONGEST_DAYS = 36500;
const WHOLE_DAYS: NumberRule = { min: 1, remedy: 'AWS Backup counts in days.' };
/** Start window of a rule that gives none. */
export const DEFAULT_START_WINDOW = Duration.hours(2);
/** Completion window of a rule that gives none. */
export const DEFAULT_COMPLETION_WINDOW = Duration.hours(8);

/** Validates the rules against the limits of AWS Backup, each other and the lock of the vault. */
export function checkBackup(
  scope: Construct,
  props: { readonly rules: DatabaseBackupRule[]; readonly lock: BackupVaultLock },
): Checks {
  const checks = new Checks(scope);
  checkLock(checks, props.lock);
  checks.that('rules', props.rules, props.rules.length > 0, {
    must: 'hold at least one rule',
    remedy: 'Leave it out for daily, weekly and monthly backups.',
  });
  for (const [index, rule] of props.rules.entries()) {
    checkRule(checks, `rules[${index}]`, rule, props.lock);
    checks
      .that(`rules[${index}].name`, rule.name, props.rules.findIndex(({ name }) => name === rule.name) === index, {
        must: 'not be the name of another rule',
        remedy: 'Name every rule differently.',
      })
      .that(
        `rules[${index}].schedule`,
        rule.schedule.expressionString,
        props.rules.findIndex(({ schedule }) => schedule.expressionString === rule.schedule.expressionString) === index,
        {
          must: 'not be the schedule of another rule',
          remedy: 'Of two backups of one database at a time, the second expires: put them hours apart.',
        },
      );
  }
  return checks;
}

/** Validates a schedule. AWS Backup accepts cron expressions only; a plan with `rate(…)` fails to deploy. */
export function checkSchedule(checks: Checks, prop: string, expression: string | undefined): void {
  checks
    .known(prop, expression)
    .optional(prop, expression, () => expression?.startsWith('cron(') === true && isScheduleExpression(expression), {
      must: 'be a cron expression of six fields within their bounds, with a question mark for one of the two day fields',
      remedy: 'Make it with Schedule.cron().',
    });
}

/** Validates the query of restored databases, which goes to the function by its environment of 4 kB. */
export function checkQuery(checks: Checks, query: string | undefined): void {
  checks.matches('restoreTestQuery', query, /^\s*(select|with)\s[^;]{1,1990}$/i, {
    must: 'be one SELECT of at most 2,000 characters, without a semicolon',
    remedy: 'Ask for something that is there in every backup, for example "SELECT count(*) FROM auth_user".',
  });
}

function checkLock(checks: Checks, { mode, _configuration: lock, _confirmation }: BackupVaultLock): void {
  if (lock === undefined) {
    return;
  }
  const { minRetention, maxRetention } = lock;
  days(checks, 'vaultLock.minRetention', minRetention, WHOLE_DAYS);
  days(checks, 'vaultLock.maxRetention', maxRetention, WHOLE_DAYS);
  if (!isUnknown(minRetention)) {
    const least = toDays(minRetention);
    checks.optional('vaultLock.maxRetention', maxRetention, () => toDays(maxRetention as Duration) > least, {
      must: `be more than \`minRetention\`, ${least} days`,
      remedy: 'Raise it, or leave it out.',
    });
  }
  if (mode === 'compliance') {
    days(checks, 'vaultLock.changeableFor', lock.changeableFor, {
      min: 3,
      remedy: 'AWS asks for 72 hours to think about it.',
    });
    checks.that('vaultLock.confirmation', _confirmation, _confirmation === BackupVaultLock.COMPLIANCE_CONFIRMATION, {
      must: `be '${BackupVaultLock.COMPLIANCE_CONFIRMATION}'`,
      remedy:
        'Not even AWS can open a compliance lock: take BackupVaultLock.governance() unless a regulation asks for it.',
    });
  }
}

function checkRule(checks: Checks, prop: string, rule: DatabaseBackupRule, lock: BackupVaultLock): void {
  checks.matches(`${prop}.name`, rule.name, /^[A-Za-z0-9_.-]{1,50}$/, {
    must: 'be 1 to 50 letters, digits, dots, dashes and underscores',
    remedy: 'Shorten it, or take other characters out.',
  });
  checkSchedule(checks, `${prop}.schedule`, rule.schedule.expressionString);
  days(checks, `${prop}.deleteAfter`, rule.deleteAfter, WHOLE_DAYS);
  checkWindows(checks, prop, rule);
  const { minRetention, maxRetention } = lock._configuration ?? {};
  if (minRetention && !isUnknown(minRetention)) {
    checks.optional(`${prop}.deleteAfter`, rule.deleteAfter, () => toDays(rule.deleteAfter) >= toDays(minRetention), {
      must: `be at least the lock's \`minRetention\`, ${toDays(minRetention)} days`,
      remedy: 'Jobs outside the bounds of the lock fail: keep backups longer, or loosen the lock.',
    });
  }
  if (maxRetention && !isUnknown(maxRetention)) {
    checks.optional(`${prop}.deleteAfter`, rule.deleteAfter, () => toDays(rule.deleteAfter) <= toDays(maxRetention), {
      must: `be at most the lock's \`maxRetention\`, ${toDays(maxRetention)} days`,
      remedy: 'Jobs outside the bounds of the lock fail: keep backups for less time, or loosen the lock.',
    });
  }
}

function checkWindows(checks: Checks, prop: string, { startWindow, completionWindow }: DatabaseBackupRule): void {
  checks.duration(`${prop}.startWindow`, startWindow, {
    whole: 'minutes',
    min: 60,
    max: 100 * 24 * 60,
    remedy: 'A job that has not started within its window is given up: leave it room.',
  });
  const start = startWindow ?? DEFAULT_START_WINDOW;
  const fits = () => completionWindow !== undefined || secondsOf(start) < secondsOf(DEFAULT_COMPLETION_WINDOW);
  checks.optional(`${prop}.startWindow`, startWindow, fits, {
    must: 'be shorter than `completionWindow`, 8 hours unless it is given',
    remedy: 'Both count from the schedule on: give a `completionWindow` that is longer.',
  });
  if (!isUnknown(start)) {
    checks.duration(`${prop}.completionWindow`, completionWindow, {
      whole: 'minutes',
      min: Math.floor(secondsOf(start) / 60) + 1,
      where: '(longer than the start window)',
      remedy: 'It counts from the schedule on, like the start window: raise it.',
    });
  }
}

function days(checks: Checks, prop: string, given: Duration | undefined, rule: NumberRule): void {
  checks.duration(prop, given, { whole: 'days', max: LONGEST_DAYS, ...rule });
}

function toDays(duration: Duration): number {
  return secondsOf(duration) / 86_400;
}
