/** What the construct tells the handler: properties of `Custom::DeletionProtection`. */
export interface DeletionProtectionProperties {
  /** Instances that the stack deletes with itself once they are not protected any more. */
  readonly Instances: string[];
  /** Instances that stay when the stack goes, protected as they are. */
  readonly KeptInstances: string[];
  /** As the instances, of Aurora clusters; left out where there are none. */
  readonly Clusters?: string[];
  readonly KeptClusters?: string[];
  /** ARNs of load balancers. */
  readonly LoadBalancers: string[];
}

/** What must stay as it was first deployed, by the prop that a user writes. */
export const FROZEN = [
  'aurora',
  'aurora.applicationUser',
  'aurora.clusterIdentifier',
  'aurora.databaseName',
  'aurora.masterUsername',
  'aurora.port',
  'aurora.snapshotIdentifier',
  'backupOptions.encryptionKey',
  'database',
  'databaseOptions.applicationUser',
  'databaseOptions.databaseName',
  'databaseOptions.instanceIdentifier',
  'databaseOptions.masterUsername',
  'databaseOptions.pointInTime',
  'databaseOptions.port',
  'databaseOptions.snapshotIdentifier',
  'encryptionKey',
  'hostedZone',
  'loadBalancerOptions.internetFacing',
  'networkOptions.availabilityZones',
  'networkOptions.ipAddresses',
  'vpc',
] as const;

/** One of them. */
export type Frozen = (typeof FROZEN)[number];

/** Stands for a part that the application makes: it stays the same, whatever its id. */
export const OWN = 'the one that is made here';

/** Scheme of a load balancer with a public address. */
export const INTERNET_FACING = 'internet-facing';

/** Where the refusal sends its reader. */
export const GUIDE = 'docs/changing.md';

/** What the construct tells the handler: properties of `Custom::ChangeGuard`. */
export interface ChangeGuardProperties {
  /** Values of the database, where the application makes it. */
  readonly Database?: { readonly [prop in Frozen]?: string };
  /** The database that is brought, where the application makes none. */
  readonly BroughtDatabase?: string;
  /** Addresses and zones of the network, where the application makes it. */
  readonly Network?: { readonly Addresses: string; readonly Zones: string[] };
  /** Key of the backup vault, where there is one. */
  readonly VaultKey?: string;
  /** Key of the cache, where the application makes it. */
  readonly CacheKey?: string;
  /** Scheme of the load balancer, where the application makes it. */
  readonly Scheme?: string;
  /** The names under which the application answers, those that it redirects among them. */
  readonly Names: string[];
  /** Those of them that have records of the stack. */
  readonly Records: string[];
  /** What may change all the same. */
  readonly AllowedChanges?: string[];
}

/** Type of the resource that guards changes; the same function serves `Custom::TerminationProtection`. */
export const CHANGE_GUARD = 'Custom::ChangeGuard';

/** How long the handlers may take, in seconds: an instance that is being modified takes a while. */
export const HANDLER_TIMEOUT = 600;
/** How long CloudFormation waits for the answer, in seconds: a repeated delivery fits in. */
export const SERVICE_TIMEOUT = 900;
