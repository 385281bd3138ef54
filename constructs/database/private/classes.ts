import { Token } from 'aws-cdk-lib';
import type { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { BYTES_PER_CONNECTION } from '../connection-memory';

/** Memory in GiB by size, for burstable classes. */
const BURSTABLE: { [size: string]: number } = { micro: 1, small: 2, medium: 4, large: 8, xlarge: 16, '2xlarge': 32 };
/** Memory in GiB of one "large", which further sizes multiply. */
const LARGE: { [kind: string]: number } = { m: 8, r: 16 };
const MULTIPLES: { [size: string]: number } = {
  large: 1,
  xlarge: 2,
  '2xlarge': 4,
  '4xlarge': 8,
  '8xlarge': 16,
  '12xlarge': 24,
  '16xlarge': 32,
  '24xlarge': 48,
  '32xlarge': 64,
  '48xlarge': 96,
};
/** Where the sizes of a generation end, and what it leaves out below that. */
const SIZES: { [generation: string]: { readonly largest: string; readonly without?: readonly string[] } } = {
  '5': { largest: '24xlarge' },
  '6g': { largest: '16xlarge' },
  '6i': { largest: '32xlarge' },
  '7g': { largest: '16xlarge' },
  '7i': { largest: '48xlarge', without: ['32xlarge'] },
  '8g': { largest: '48xlarge', without: ['32xlarge'] },
};
/**
 * Families of EC2 that RDS does not run PostgreSQL on, or only versions that have ended: old ones, those with
 * disks of their own that RDS does not offer, and those for other work. `npm run cfn-lint` compares.
 */
const OTHER_WORK = /^(t1|t2|t3a|[mr][1-4]|[mr][5-7]a|[mr]7(g|i)d|a1|c\d|[dfghp]\d|i\d|inf|trn|dl|vt|u-|mac|hpc|x1|z1d)/;

const MOST_CONNECTIONS = 5000;
/** On an instance of Aurora Serverless v2 whose least capacity is 0 or 0.5. */
const MOST_CONNECTIONS_WHEN_SMALL = 2000;
const GIB = 1024 ** 3;
/**
 * `DBInstanceClassMemory` is what the operating system and RDS's own processes leave over: assumed to be this
 * much less.
 */
const SYSTEM_SHARE = 0.07;
const SYSTEM_GIB = 0.21;

/** How RDS writes a class behind `db.`; it has none of bare metal. */
const CLASS = /^[a-z]+\d[a-z0-9]*\.(micro|small|medium|large|\d*xlarge)$/;

const NOT_SOLD = new Set(['nano']);

/**
 * Whether RDS sells the size in a family that is known here; families that are not known here are let
 * through.
 */
export function isDatabaseClass(instanceType: InstanceType): boolean {
  const { family, size } = parts(instanceType);
  if (!CLASS.test(instanceType.toString()) || size === undefined || NOT_SOLD.has(size)) {
    return false;
  }
  return isKnown(family) ? memoryGiB(instanceType) !== undefined : !OTHER_WORK.test(family);
}

/** Whether the class earns CPU credits while it is idle and spends them under load: T3 and T4G. */
export function isBurstable(instanceType: InstanceType): boolean {
  return parts(instanceType).family.startsWith('t');
}

/**
 * How many connections RDS allows on the class unless a parameter says otherwise, rather too few than too
 * many.
 */
export function maxConnectionsOf(instanceType: InstanceType): number | undefined {
  const memory = memoryGiB(instanceType);
  if (memory === undefined) {
    return undefined;
  }
  return connectionsOf(memory);
}

function connectionsOf(memoryGiB: number): number {
  const available = (memoryGiB * (1 - SYSTEM_SHARE) - SYSTEM_GIB) * GIB;
  return Math.min(Math.floor(available / BYTES_PER_CONNECTION), MOST_CONNECTIONS);
}

/**
 * How many connections Aurora allows on an instance that scales to so many capacity units, each of about 2
 * GiB; rather too few. Where it can shrink to half a unit or less, Aurora allows no more than there.
 */
export function connectionsOfCapacity(minCapacity: number, maxCapacity: number): number | undefined {
  if (Token.isUnresolved(minCapacity) || Token.isUnresolved(maxCapacity)) {
    return undefined;
  }
  return Math.min(connectionsOf(2 * maxCapacity), minCapacity < 1 ? MOST_CONNECTIONS_WHEN_SMALL : MOST_CONNECTIONS);
}

/** What the parameter says, or what RDS allows. */
export function connectionLimit(allowed: number | undefined, parameter: string | undefined): number | undefined {
  if (parameter === undefined) {
    return allowed;
  }
  return /^\d+$/.test(parameter) ? Number(parameter) : undefined;
}

function memoryGiB(instanceType: InstanceType): number | undefined {
  const { family, size } = parts(instanceType);
  if (!isKnown(family) || size === undefined) {
    return undefined;
  }
  if (isBurstable(instanceType)) {
    return BURSTABLE[size];
  }
  const multiple = MULTIPLES[size] as number | undefined;
  const { largest, without } = SIZES[family.slice(1).replace(/d$/, '')];
  const sold = multiple !== undefined && multiple <= MULTIPLES[largest] && without?.includes(size) !== true;
  return sold ? LARGE[family[0]] * multiple : undefined;
}

/** T3, T4G, and the M and R families of the fifth to eighth generation, of Intel and Graviton. */
export const KNOWN_FAMILIES = [
  't3',
  't4g',
  ...['5', '5d', '6g', '6gd', '6i', '6id', '7g', '7i', '8g', '8gd'].flatMap((kind) => [`m${kind}`, `r${kind}`]),
];

function isKnown(family: string): boolean {
  return KNOWN_FAMILIES.includes(family);
}

function parts(instanceType: InstanceType): { family: string; size?: string } {
  const [family, size] = instanceType.toString().split('.');
  return { family, size };
}
