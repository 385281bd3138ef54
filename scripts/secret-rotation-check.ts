/**
 * Runs the bundle of the SECRET_KEY rotation, as it is shipped, against moto's Secrets Manager: three
 * rotations of four events.
 *
 *     pip install 'moto[server]' && npm run build:handlers
 *     PYTHON=python3 npx tsx scripts/secret-rotation-check.ts
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { SECRET_KEY_ROTATION, type SecretKeyValue } from '../constructs/handlers/secret-key-rotation/contract';
import type { RotationEvent } from '../constructs/handlers/shared/rotation';
import { eventually, freePort } from './lib/local-postgres';

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
const EMPTY_ZIP = 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==';
const DAY = 24 * 60 * 60;
let [passed, failed] = [0, 0];

function check(what: string, ok: boolean): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}`);
}

async function main(): Promise<void> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const server = spawn(
    process.env.PYTHON ?? 'python3',
    ['-m', 'moto.server', '-H', '127.0.0.1', '-p', url.split(':')[2]],
    {
      stdio: 'ignore',
    },
  );
  try {
    await eventually(() => answers(server, url));
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      [SECRET_KEY_ROTATION.sessionCookieAge]: String(14 * DAY),
      [SECRET_KEY_ROTATION.rotationPeriod]: String(90 * DAY),
    });
    await threeRotations(await rotationFunction(url));
  } finally {
    server.kill();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function threeRotations(lambdaArn: string): Promise<void> {
  const { handler } = require(join(__dirname, '../assets/secret-key-rotation/index.js')) as {
    handler(event: RotationEvent): Promise<void>;
  };
  const secrets = new SecretsManagerClient({});
  const first: SecretKeyValue = { key: 'a'.repeat(64), fallbacks: [] };
  const { ARN: SecretId } = await secrets.send(
    new CreateSecretCommand({ Name: 'key', SecretString: JSON.stringify(first) }),
  );
  const seen: SecretKeyValue[] = [first];
  for (let rotation = 1; rotation <= 3; rotation++) {
    const token = randomUUID();
    // moto calls a function that does nothing: what is left is a version with AWSPENDING and without a value,
    // as in AWS.
    await secrets.send(new RotateSecretCommand({ SecretId, ClientRequestToken: token, RotationLambdaARN: lambdaArn }));
    for (const Step of STEPS) {
      await handler({ Step, SecretId: SecretId ?? '', ClientRequestToken: token });
      await handler({ Step, SecretId: SecretId ?? '', ClientRequestToken: token });
    }
    const { VersionIdsToStages: stages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
    check(`rotation ${rotation}: its version is AWSCURRENT and nothing else`, stages[token]?.join() === 'AWSCURRENT');
    check(`rotation ${rotation}: no version is AWSPENDING`, !Object.values(stages).flat().includes('AWSPENDING'));
    const { SecretString = '' } = await secrets.send(
      new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }),
    );
    const value = JSON.parse(SecretString) as SecretKeyValue;
    const before = seen[seen.length - 1];
    check(`rotation ${rotation}: the key is the one that was announced`, value.key === (before.next ?? before.key));
    check(`rotation ${rotation}: the key before is accepted`, [value.key, ...value.fallbacks].includes(before.key));
    check(`rotation ${rotation}: another key is announced`, value.next?.length === 64 && value.next !== before.next);
    seen.push(value);
  }
  check('the first rotation only announced', seen[1].key === first.key && seen[1].fallbacks.length === 0);
  check('the third remembers two keys', seen[3].fallbacks.join() === [seen[2].key, first.key].join());
}

/** A function in moto that answers without Docker, so that RotateSecret can name one. */
async function rotationFunction(url: string): Promise<string> {
  const call = (service: string, path: string, method: string, body: string) =>
    fetch(`${url}${path}`, {
      method,
      body,
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=none`,
        'content-type': service === 'iam' ? 'application/x-www-form-urlencoded' : 'application/json',
      },
    });
  await call('iam', '/moto-api/config', 'POST', JSON.stringify({ lambda: { use_docker: false } }));
  await call('iam', '/', 'POST', 'Action=CreateRole&Version=2010-05-08&RoleName=rotation&AssumeRolePolicyDocument={}');
  const body = {
    FunctionName: 'rotation',
    Runtime: 'nodejs22.x',
    Role: 'arn:aws:iam::123456789012:role/rotation',
    Handler: 'index.handler',
    Code: { ZipFile: EMPTY_ZIP },
  };
  const answer = await call('lambda', '/2015-03-31/functions', 'POST', JSON.stringify(body));
  const { FunctionArn } = (await answer.json()) as { FunctionArn?: string };
  if (FunctionArn === undefined) {
    throw new Error(`moto made no function: ${answer.status}`);
  }
  return FunctionArn;
}

async function answers(server: ChildProcess, url: string): Promise<void> {
  if (server.exitCode !== null) {
    throw new Error("moto did not start: pip install 'moto[server]', and set PYTHON to that Python");
  }
  await fetch(`${url}/moto-api/`);
}

main();
