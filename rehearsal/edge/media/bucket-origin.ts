import type http from 'node:http';
import type { Answer } from '../../aws/signed/door';
import type { S3 } from '../../aws/signed/s3';
import type { Incoming } from '../../aws/signed/signature';
import type { BucketTarget, DistributionSettings } from '../../template/distribution';
import { requested } from '../redirection';
import { withoutSignature } from './signed-address';

/** The principal that CloudFront asks as. */
const PRINCIPAL = 'cloudfront.amazonaws.com';
/** Headers of a browser that CloudFront understands itself, and asks S3 about on its behalf. */
const CONDITIONAL = ['range', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since'];
/** Headers that no policy sends on to a bucket: S3 takes no other Host than its own, and no cookies. */
const NEVER = ['host', 'cookie', 'authorization', 'connection'];
/** What S3 says of the connection and of itself. */
const OF_CONNECTION = ['connection', 'date', 'keep-alive', 'transfer-encoding', 'server'];

/**
 * Asks S3 for a file as a distribution does: on its own behalf where origin access control says so, with
 * nothing of the browser's but the path, what policies name and what makes an answer short.
 */
export async function fromBucket(
  files: Pick<S3, 'answerService'>,
  { arn, account }: Pick<DistributionSettings, 'arn' | 'account'>,
  bucket: BucketTarget,
  request: Pick<http.IncomingMessage, 'method' | 'url' | 'headers'>,
): Promise<Answer> {
  const service = { principal: PRINCIPAL, sourceArn: arn, sourceAccount: account };
  const { headers = {}, ...answer } = await files.answerService(
    toBucket(bucket, request),
    bucket.signs ? service : undefined,
  );
  const kept = Object.entries(headers).filter(([name]) => !OF_CONNECTION.includes(name));
  return { ...answer, headers: Object.fromEntries(kept) };
}

function toBucket(
  { name, path, forwarded }: BucketTarget,
  request: Pick<http.IncomingMessage, 'method' | 'url' | 'headers'>,
): Incoming {
  const asked = requested(request);
  const pairs = withoutSignature(asked.query)
    .split('&')
    .filter((pair) => forwarded.query.includes('*') || forwarded.query.includes(pair.split('=')[0]));
  const url = new URL(`http://s3/${name}`);
  url.pathname = `/${name}${path}${asked.path}`;
  url.search = pairs.join('&');
  const names = [...CONDITIONAL, ...forwarded.headers].filter((each) => !NEVER.includes(each));
  const headers = names.flatMap((each) => {
    const value = request.headers[each];
    return value === undefined ? [] : [[each, [value].flat().join(', ')]];
  });
  return { method: request.method ?? 'GET', url, headers: Object.fromEntries(headers), body: Buffer.alloc(0) };
}
