import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Profile, profileValues } from '../../constructs/core/profile';

describe('Profile', () => {
  test('production keeps what is stored and has two of everything that serves, and one NAT gateway', () => {
    expect(profileValues(Profile.production())).toMatchObject({
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      databaseRemovalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      multiAz: true,
      natGateways: 1,
      webMinCapacity: 2,
      webFirewall: true,
      databaseBackup: true,
      logRetention: RetentionDays.ONE_YEAR,
    });
  });

  test('development is cheap, and its database still leaves a snapshot', () => {
    expect(profileValues(Profile.development())).toMatchObject({
      deletionProtection: false,
      databaseRemovalPolicy: RemovalPolicy.SNAPSHOT,
      multiAz: false,
      natGateways: 0,
      webMinCapacity: 1,
      webMaxCapacity: 1,
      webSpot: true,
      workerMaxCapacity: 1,
      workerSpot: true,
      dashboard: false,
    });
  });

  test('single values can be changed; a value of undefined changes nothing', () => {
    const values = profileValues(Profile.production({ natGateways: 2, multiAz: undefined }));
    expect(values.natGateways).toBe(2);
    expect(values.multiAz).toBe(true);
    expect(values.backupRetention.toDays()).toBe(Duration.days(14).toDays());
  });

  test('where no profile is given, production’s values apply', () => {
    expect(profileValues()).toEqual(profileValues(Profile.production()));
  });

  const documented = [
    ...readFileSync(join(__dirname, '..', '..', 'constructs', 'core', 'profile.ts'), 'utf8').matchAll(
      /@default - production (.+?), development (.+?)\n\s+\*\/\n\s+readonly (\w+)\?/g,
    ),
  ].map(([, production, development, name]) => ({ name, production, development }));

  test('every value has its two defaults in its documentation', () => {
    expect(documented.map(({ name }) => name).sort()).toEqual(Object.keys(profileValues()).sort());
  });

  test.each(documented)('the documented defaults of $name are true', ({ name, production, development }) => {
    const said = (profile: Profile) => spoken(profileValues(profile)[name as keyof ReturnType<typeof profileValues>]);
    expect([production, development]).toEqual([said(Profile.production()), said(Profile.development())]);
  });
});

/** A value as the documentation says it. */
function spoken(value: unknown): string {
  if (value instanceof Duration) {
    return `${value.toDays()} days`;
  }
  const named: { [value: string]: string } = {
    [RetentionDays.ONE_YEAR]: 'one year',
    [RetentionDays.ONE_MONTH]: 'one month',
    [RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE]: 'RETAIN_ON_UPDATE_OR_DELETE',
    [RemovalPolicy.DESTROY]: 'DESTROY',
    [RemovalPolicy.SNAPSHOT]: 'SNAPSHOT',
  };
  return (
    named[String(value)] ??
    String(value).replace(/^(standard|disabled|strictest|defensive)$/, (word) => word.toUpperCase())
  );
}
