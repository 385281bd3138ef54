import { execFile } from 'node:child_process';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Announce } from './announce';
import { type Assembly, resourcesOfType } from './assembly';
import type { Certificate } from './certificates';
import type { Doubles } from './doubles';
import type { Intrinsics } from './intrinsics';
import { LOOPBACK } from './ports';

const run = promisify(execFile);

export interface DatabaseRolesProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly doubles: Doubles;
  readonly ca: Certificate;
  readonly server: Certificate;
  readonly region: string;
  readonly announce: Announce;
}

/** Runs the stack's own role-making handler for real, as CloudFormation would call it, and waits for its answer. */
export async function makeDatabaseRoles(props: DatabaseRolesProps): Promise<void> {
  const { assembly, intrinsics, announce } = props;
  for (const { id, resource } of resourcesOfType(assembly.template, 'Custom::DatabaseRoles')) {
    announce.progress(`database roles: the handler of ${id}`);
    const { ServiceToken, ...properties } = intrinsics.properties(resource);
    const answer = await answerOf(props, id, handlerFolder(props, resource.Properties?.ServiceToken), properties);
    if (answer.Status !== 'SUCCESS') {
      throw new Error(`${id}: the handler of the database roles failed: ${answer.Reason}`);
    }
    intrinsics.register(id, { ref: answer.PhysicalResourceId ?? id, attributes: answer.Data });
  }
}

interface Answer {
  readonly Status: string;
  readonly Reason?: string;
  readonly PhysicalResourceId?: string;
  readonly Data?: Record<string, string>;
}

function handlerFolder({ assembly }: DatabaseRolesProps, token: unknown): { folder: string; handler: string } {
  const id = (token as { 'Fn::GetAtt'?: string[] })['Fn::GetAtt']?.[0];
  const code = assembly.template.Resources[String(id)];
  const key = String(code?.Properties?.Code?.S3Key ?? '');
  const folder = assembly.files.get(key.replace(/\.zip$/, ''));
  if (folder === undefined) {
    throw new Error(`the code of ${id} is not in the assembly`);
  }
  return { folder, handler: String(code.Properties?.Handler ?? 'index.handler') };
}

async function answerOf(
  props: DatabaseRolesProps,
  id: string,
  code: { folder: string; handler: string },
  properties: Record<string, unknown>,
): Promise<Answer> {
  let received: Answer | undefined;
  const bucket = createServer({ cert: props.server.cert, key: props.server.key }, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received = JSON.parse(body);
      response.end();
    });
  });
  await new Promise<void>((resolve) => bucket.listen(0, LOOPBACK, resolve));
  const [file, name] = code.handler.split('.');
  const event = {
    RequestType: 'Create',
    ResponseURL: `https://localhost:${(bucket.address() as AddressInfo).port}/answer`,
    StackId: `arn:aws:cloudformation:${props.region}:123456789012:stack/rehearsal/1`,
    RequestId: 'rehearsal-1',
    LogicalResourceId: id,
    ResourceType: 'Custom::DatabaseRoles',
    ResourceProperties: properties,
  };
  const program = `require(${JSON.stringify(path.join(code.folder, file))}).${name}(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60000, functionName: 'rehearsal' }).then(() => process.exit(0), (error) => { console.error(error.message); process.exit(1); })`;
  props.announce.substitution("the role-making handler trusts the local certificate authority beside RDS's own");
  try {
    await run(process.execPath, ['--require', path.join(__dirname, 'trust-local-ca.cjs'), '-e', program], {
      timeout: 90_000,
      env: {
        PATH: process.env.PATH,
        AWS_ENDPOINT_URL: props.doubles.endpoint,
        AWS_REGION: props.region,
        AWS_ACCESS_KEY_ID: 'rehearsal',
        AWS_SECRET_ACCESS_KEY: 'rehearsal',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        NODE_NO_WARNINGS: '1',
        REHEARSAL_CA_FILE: props.ca.certFile,
        NODE_EXTRA_CA_CERTS: props.ca.certFile,
      },
    });
  } catch (error) {
    if (received === undefined) {
      const { stderr, message } = error as Error & { stderr?: string };
      throw new Error(`the handler of ${id} ended without an answer: ${(stderr || message).slice(0, 500)}`);
    }
  } finally {
    bucket.close();
  }
  return received ?? { Status: 'FAILED', Reason: 'it ended without an answer' };
}
