import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/** A store outside of AWS that speaks the protocol of S3, and gets a copy of each dump. */
export interface DumpCopyOptions {
  /** Address of the store: `https://`, a host name, and nothing behind it. */
  readonly endpoint: string;
  /** Name of the region, as the store calls it. */
  readonly region: string;
  /** Name of the bucket there. */
  readonly bucket: string;
  /**
   * Secret of a key that may write to that bucket and nothing else: JSON with `accessKeyId` and
   * `secretAccessKey`.
   *
   * **Give the key no permission to read or to delete.** Who takes the task over can otherwise delete the
   * copies, too.
   */
  readonly secret: ISecret;
  /**
   * What the keys of the copies begin with, before `prefix`.
   *
   * @default - nothing
   */
  readonly folder?: string;
}
