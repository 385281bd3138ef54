/** Properties of the custom resource. CloudFormation turns every value into a string, lists stay lists. */
export interface ReleaseProperties {
  readonly Cluster: string;
  /** Changes with the image, the environment and the command: a new one is what makes the release run. */
  readonly TaskDefinition: string;
  /** For images whose tag does not change: another revision runs the release again. */
  readonly Revision?: string;
  /** Identity of the database's instance: one that was restored is of an older schema, and is released to. */
  readonly Database?: string;
  readonly Container: string;
  readonly Subnets: string[];
  readonly SecurityGroups: string[];
  readonly AssignPublicIp: 'ENABLED' | 'DISABLED';
  readonly LogGroup: string;
  /** Of the awslogs driver: the stream is `prefix/container/task id`. */
  readonly LogStreamPrefix: string;
  readonly TimeoutSeconds: string;
  /** Whether a failure shows the last lines of the log. */
  readonly ShowLog?: 'true' | 'false';
}

/** What onEvent hands on to isComplete; no value is a secret. */
export interface ReleaseData {
  /** Absent when nothing runs. */
  readonly TaskArn?: string;
  /** Seconds since 1970. */
  readonly Deadline?: string;
  /** Why nothing runs. */
  readonly Skipped?: string;
}

/** Timeout of onEvent, in seconds: it waits for the task of an earlier deployment that is still stopping. */
export const START_TIMEOUT = 300;
/** How long after the deadline isComplete still needs to stop the task, read the log and answer. */
export const ANSWER_MARGIN = 120;
/** What CloudFormation allows a custom resource, less what starting and answering take. */
export const MAXIMUM_TIMEOUT = 3600 - START_TIMEOUT - ANSWER_MARGIN;
