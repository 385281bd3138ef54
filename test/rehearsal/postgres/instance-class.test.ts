import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { KNOWN_FAMILIES, maxConnectionsOf } from '../../../constructs/database/private/classes';
import { maxConnections } from '../../../rehearsal/postgres/instance-class';
import { connectionLimit } from '../../../rehearsal/postgres/settings';

const SIZES = [
  'micro',
  'small',
  'medium',
  'large',
  ...['', 2, 4, 8, 12, 16, 24, 32, 48].map((times) => `${times}xlarge`),
];

test('a class has the connections that the check at synth counts with', () => {
  const classes = KNOWN_FAMILIES.flatMap((family) => SIZES.map((size) => `${family}.${size}`));
  const sold = classes.filter((name) => maxConnectionsOf(new InstanceType(name)) !== undefined);
  expect(sold.length).toBeGreaterThan(100);
  for (const name of sold) {
    expect([name, maxConnections(`db.${name}`)]).toEqual([name, maxConnectionsOf(new InstanceType(name))]);
  }
});

test.each([
  ['db.t4g.micro', undefined, 81],
  ['db.r6g.16xlarge', undefined, 5000],
  ['db.x2g.large', undefined, undefined],
  ['db.x2g.large', '200', 200],
  ['db.t4g.micro', '200', 200],
  ['db.t4g.medium', '{DBInstanceClassMemory/19062784}', 197],
  ['db.t4g.medium', 'LEAST({DBInstanceClassMemory/9531392}, 50)', 50],
  ['db.t4g.medium', 'GREATEST({log(DBInstanceClassMemory)*45},100)', undefined],
])('%s with max_connections %s allows %s', (instanceClass, parameter, expected) => {
  expect(maxConnections(instanceClass, parameter)).toBe(expected);
});

test.each([
  [
    'db.t4g.micro',
    undefined,
    { max_connections: '81' },
    'max_connections is 81: what RDS makes of the memory of db.t4g.micro',
  ],
  ['db.r6g.16xlarge', undefined, { max_connections: '500' }, 'max_connections is 500, RDS has 5000 on db.r6g.16xlarge'],
  ['db.x2g.large', undefined, {}, 'max_connections is 100: the rehearsal does not know the memory of db.x2g.large'],
  ['db.t4g.micro', '60', { max_connections: '60' }, undefined],
])('%s with max_connections %s is announced', (instanceClass, parameter, expected, announced) => {
  const said: string[] = [];
  expect(connectionLimit(instanceClass, parameter, { substitution: (text) => said.push(text) })).toEqual(expected);
  expect(said).toEqual(announced === undefined ? [] : [expect.stringContaining(announced)]);
});
