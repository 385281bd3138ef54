import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoApplication } from '../constructs/application/django-application';
import { OBJECTS, STRUCTS } from '../constructs/core/private/kind-table';
import { Profile } from '../constructs/core/profile';
import { MAKERS, type MakeStruct } from './tokens/makers';
import { OBJECT_MAKERS } from './tokens/objects';
import { kindsOf, type Swept, sweep } from './tokens/sweep';
import { sweepTogether } from './tokens/together';

/**
 * Props whose value is used by parts that the sweep does not make beside theirs, or is for one question alone.
 *
 * Every other one that takes a token hands it on.
 */
const NOT_HANDED_ON = [
  'CdnProps.geoRestriction', // The CDK makes none of a token.
  'HttpsLoadBalancerAttributes.loadBalancerDnsName', // The domain names stand for it.
  'HttpsLoadBalancerAttributes.loadBalancerCanonicalHostedZoneId', // For records that users make.
  'HttpsLoadBalancerAttributes.vpc', // The cluster's is the one that tasks run in.
  'AuroraPostgresDatabaseProps.caBundlePath',
  'AuroraPostgresDatabaseProps.secretsManagerEndpoint',
  'PostgresDatabaseProps.caBundlePath', // For the processes that use the database.
  'PostgresDatabaseProps.secretsManagerEndpoint', // An imported one has no security group to open.
  'RestoreDrillProps.extensions', // Only compared with what the image has.
];
/** The application hands all of it on to parts that are swept one by one. */
const APPLICATIONS = ['DjangoApplicationProps', 'DjangoStackProps', 'DjangoStageProps'];
/** What an application is brought as a whole. */
const BROUGHT = [
  'vpc',
  'cluster',
  'database',
  'secretKey',
  'broker',
  'mediaStorage',
  'urlSigningKeys',
  'staticFilesStorage',
  'cacheStore',
  'outgoingMail',
  'loadBalancer',
  'encryptionKey',
];
const APPLICATION = {
  image: ContainerImage.fromRegistry('shop'),
  settingsModule: 'config.settings',
  profile: Profile.development(),
};
const KNOWN = /be known at synthesis|be written out as a list|by what is known of them at synthesis/;

const made = Object.entries(MAKERS).flatMap(([struct, make]) => (typeof make === 'string' ? [] : [{ struct, make }]));
const parts = made.filter(({ struct }) => !APPLICATIONS.includes(struct));
const all = new Map<string, Swept>();

describe.each(parts)('tokens in the props of $struct', ({ struct, make }) => {
  const swept = sweep(struct, make);
  all.set(struct, swept);

  test('give a template or an error in our form, and no nonsense in either', () => {
    expect(swept.faults).toEqual([]);
  });

  test('are refused for being tokens, and nothing else is blamed', () => {
    const judged = Object.entries(swept.refused)
      .filter(([prop]) => !/object (?!Duration|Size)|struct|literal/.test(kindsOf(struct)[prop]))
      .flatMap(([prop, lines]) => lines.filter((line) => !KNOWN.test(line) || !line.includes(`: \`${prop}`)));
    expect(judged).toEqual([]);
  });

  test('arrive in the template where they are taken', () => {
    const lost = [...swept.lost].map((prop) => `${struct}.${prop}`);
    expect(lost).toEqual(NOT_HANDED_ON.filter((each) => each.startsWith(`${struct}.`)));
  });
});

describe.each([
  { database: 'an instance', options: 'databaseOptions', others: 'aurora' },
  { database: 'a cluster', options: 'aurora', others: 'databaseOptions' },
])('tokens in an application with $database', ({ options, others }) => {
  const make: MakeStruct = (scope, given) => new DjangoApplication(scope, 'App', { ...APPLICATION, ...given });
  const { taken, refused, fault } = sweepTogether('DjangoApplicationProps', make, others);

  test('give a template where they are taken, all of them together', () => {
    expect(fault).toBe(undefined);
    expect(taken).toEqual(expect.arrayContaining(['environment.default', `${options}.snapshotIdentifier`]));
    expect(taken.length).toBeGreaterThan(30);
  });

  test('are refused by the name that the user wrote where they are not', () => {
    expect(refused).toEqual(expect.arrayContaining(['web.cpu', 'queues.default.taskTimeLimit', 'settingsModule']));
    expect(refused).toContain(`${options}.extensions`);
    expect(refused.length).toBeGreaterThan(80);
  });
});

describe('tokens in an application', () => {
  test.each(BROUGHT)('give a template in %s, which is brought', (prop) => {
    const { faults, lost, arrived } = sweep('DjangoApplicationProps', MAKERS.DjangoApplicationProps as MakeStruct, [
      prop,
    ]);
    expect({ faults, lost: [...lost], arrived: [...arrived] }).toEqual({ faults: [], lost: [], arrived: [prop] });
  });

  test('name the zone of a stack, but not the address that is put into it', () => {
    const zone = { domainName: 'shop.example.com', hostedZoneId: 'Z0123456789', hostedZoneName: 'example.com' };
    const inZone: MakeStruct = (scope, given) => (MAKERS.DjangoStackProps as MakeStruct)(scope, { ...zone, ...given });
    const { faults, arrived, refused } = sweep('DjangoStackProps', inZone, Object.keys(zone));
    expect({ faults, arrived: [...arrived], refused: Object.keys(refused) }).toEqual({
      faults: [],
      arrived: ['hostedZoneId'],
      refused: ['domainName'],
    });
  });
});

describe('the sweep', () => {
  test('knows every type of object that a prop takes', () => {
    expect(Object.keys(OBJECT_MAKERS).sort()).toEqual(Object.keys(OBJECTS).sort());
  });

  test('leaves no prop out: each is in a struct that is swept', () => {
    for (const [struct, maker] of Object.entries(MAKERS)) {
      const wider = typeof maker === 'string' ? maker : struct;
      const inside = Object.entries(kindsOf(wider)).some(([, kind]) => kind.includes(`struct ${struct}`));
      const shared = Object.keys(kindsOf(struct)).every((prop) => prop in kindsOf(wider));
      expect({ struct, swept: inside || shared }).toEqual({ struct, swept: true });
    }
    expect(Object.keys(MAKERS)).toEqual(Object.keys(STRUCTS));
  });

  test('tries hundreds of values, of which some are taken and some refused', () => {
    const swept = [...all.values()];
    expect(swept.reduce((sum, { values }) => sum + values, 0)).toBeGreaterThan(500);
    expect(swept.reduce((sum, { arrived }) => sum + arrived.size, 0)).toBeGreaterThan(200);
    expect(swept.reduce((sum, { refused }) => sum + Object.keys(refused).length, 0)).toBeGreaterThan(150);
  });
});
