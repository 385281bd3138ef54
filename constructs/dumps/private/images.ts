import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { majorVersionOf } from '../../database/database-server';
import type { IPostgresDatabase } from '../../database/postgres-database';

/** The public registry of Amazon, which asks for no login; pulls from within AWS are not limited. */
const REGISTRY = 'public.ecr.aws';

/**
 * Minor version of the image for each major version of PostgreSQL. A newer pg_dump of the same major version
 * dumps every older server of it.
 */
const VERSIONS: { [major: string]: string } = {
  '14': '14.23',
  '15': '15.18',
  '16': '16.14',
  '17': '17.10',
  '18': '18.4',
};

/** What uploads: the command line of AWS. */
const AWS_CLI = '2.37.1';

/** Major versions that there is an image for without being asked. */
export const KNOWN_VERSIONS = Object.keys(VERSIONS);

/** PostgreSQL's own image, of the version of the database. */
export function postgresImage(database: IPostgresDatabase): ContainerImage {
  const version = VERSIONS[String(majorVersionOf(database))];
  return ContainerImage.fromRegistry(`${REGISTRY}/docker/library/postgres:${version}`);
}

/** The command line of AWS, as AWS publishes it. */
export function awsCliImage(): ContainerImage {
  return ContainerImage.fromRegistry(`${REGISTRY}/aws-cli/aws-cli:${AWS_CLI}`);
}
