/** What the construct tells the handler: properties of `Custom::DeletionProtection`. */
export interface DeletionProtectionProperties {
  /** Instances that the stack deletes with itself once they are not protected any more. */
  readonly Instances: string[];
  /** Instances that stay when the stack goes, protected as they are. */
  readonly KeptInstances: string[];
  /** ARNs of load balancers. */
  readonly LoadBalancers: string[];
}

/** How long the handlers may take, in seconds: an instance that is being modified takes a while. */
export const HANDLER_TIMEOUT = 600;
/** How long CloudFormation waits for the answer, in seconds: a repeated delivery fits in. */
export const SERVICE_TIMEOUT = 900;
