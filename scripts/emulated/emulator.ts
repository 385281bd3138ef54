import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import path from 'node:path';
import { type Certificate, CertificateAuthority } from '../../rehearsal/edge/certificates';
import { freePort, LOOPBACK } from '../../rehearsal/edge/ports';
import { virtualEnvironment } from '../../rehearsal/image/python';
import type { Sandbox } from '../../rehearsal/task/sandbox';
import { eventually } from '../../rehearsal/wait';

/** The account of the emulator. */
export const ACCOUNT = '000000000000';
/** The region that everything is deployed to. */
export const REGION = 'eu-central-1';

/** Where tools are kept between two runs. */
export const CACHE = path.join(__dirname, '..', '..', '.cache', 'emulated');

/** MiniStack on loopback, behind TLS, with the certificate of a local authority. */
export interface Emulator {
  readonly endpoint: string;
  readonly ca: Certificate;
  /** For the servers of databases. */
  readonly server: Certificate;
  /** `host:port` of each endpoint of RDS → the port where its server listens. */
  readonly databases: string;
  /** For every command that is to reach the emulator, and nothing else of AWS. */
  readonly environment: Readonly<Record<string, string>>;
  /** The end of what it logged. */
  log(): string;
}

/** Installs what is needed once, and starts the emulator. */
export async function startEmulator(sandbox: Sandbox): Promise<Emulator> {
  const requirements = path.join(__dirname, 'requirements.txt');
  const [venv, sdk] = await Promise.all([
    virtualEnvironment(CACHE, 'emulated', {
      installs: [['-r', requirements]],
      key: [readFileSync(requirements, 'utf8')],
    }),
    lambdaRuntime(),
  ]);
  const authority = await CertificateAuthority.create(sandbox.directory, 'emulated-ca');
  const ca = authority.certificate;
  const server = await authority.issue('server', ['localhost', '*.localhost']);
  const port = await freePort();
  const endpoint = `https://localhost:${port}`;
  const databases = path.join(sandbox.directory, 'databases.json');
  writeFileSync(databases, '{}');
  const home = sandbox.folder('home');
  const output = path.join(sandbox.directory, 'ministack.log');
  const log = openSync(output, 'a');
  const bin = path.join(venv, 'bin');
  sandbox.spawn(path.join(bin, 'ministack'), [], {
    stdio: ['ignore', log, log],
    cwd: sandbox.directory,
    // Nothing of the caller's environment: the emulator hands its own on to the functions.
    env: {
      PATH: process.env.PATH,
      HOME: home,
      // What the functions unpack goes with the run.
      TMPDIR: sandbox.folder('tmp'),
      BIND_HOST: LOOPBACK,
      GATEWAY_PORT: String(port),
      MINISTACK_REGION: REGION,
      // An engine on this machine is left alone: the result does not depend on whether there is one.
      DOCKER_HOST: 'tcp://127.0.0.1:1',
      USE_SSL: '1',
      MINISTACK_SSL_CERT: server.certFile,
      MINISTACK_SSL_KEY: server.keyFile,
      NODE_EXTRA_CA_CERTS: ca.certFile,
      NODE_PATH: sdk,
      NODE_OPTIONS: `--require ${path.join(__dirname, 'rds-endpoint.cjs')}`,
      EMULATED_DATABASES: databases,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  });
  closeSync(log);
  const environment = {
    PATH: `${bin}${path.delimiter}${process.env.PATH}`,
    HOME: home,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CA_BUNDLE: ca.certFile,
    AWS_PAGER: '',
    NODE_EXTRA_CA_CERTS: ca.certFile,
    CDK_VALIDATION: 'false',
    CI: 'true',
  };
  await eventually('the emulator answers', 120, () => answers(`${endpoint}/_ministack/health`, ca.cert));
  return { endpoint, ca, server, databases, environment, log: () => readFileSync(output, 'utf8').slice(-3000) };
}

function answers(url: string, ca: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { ca, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
  });
}

/** AWS Lambda's Node.js runtime brings the AWS SDK along, and the CDK's own functions count on it. */
async function lambdaRuntime(): Promise<string> {
  const source = path.join(__dirname, 'lambda-runtime');
  const folder = path.join(CACHE, 'lambda-runtime');
  const lock = 'package-lock.json';
  const wanted = readFileSync(path.join(source, lock), 'utf8');
  const complete = path.join(folder, 'complete');
  if (!existsSync(complete) || readFileSync(complete, 'utf8') !== wanted) {
    mkdirSync(folder, { recursive: true });
    for (const name of ['package.json', lock]) {
      copyFileSync(path.join(source, name), path.join(folder, name));
    }
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', ['ci', ...options], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    writeFileSync(complete, wanted);
  }
  return path.join(folder, 'node_modules');
}
