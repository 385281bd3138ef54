import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildWords, withoutDownload, writeWithoutDownload } from '../../../rehearsal/engine/build';
import { buildImage } from '../../../rehearsal/engine/builder';
import { type Call, type CallOptions, call, Engine } from '../../../rehearsal/engine/engine';
import { contextsOf } from '../../../rehearsal/image/image';

const ASSET = { directory: '/cdk.out/asset.1', dockerFile: 'docker/Dockerfile' };

test('a build says what the asset says', () => {
  const asset = {
    ...ASSET,
    target: 'final',
    platform: 'linux/arm64',
    buildArgs: { VERSION: '1', EMPTY: '' },
    contexts: { shared: '/shared' },
    secrets: { token: 'src=token.txt' },
    ssh: 'default',
    network: 'host',
  };
  expect(buildWords(asset, { tag: 'image:1' })).toEqual([
    ...['build', '--tag', 'image:1', '--file', 'docker/Dockerfile'],
    ...['--build-arg', 'VERSION=1', '--build-arg', 'EMPTY='],
    ...['--secret', 'id=token,src=token.txt', '--ssh', 'default', '--target', 'final', '--network', 'host'],
    ...['--platform', 'linux/arm64', '--build-context', 'shared=/shared', '.'],
  ]);
});

/** What the CDK takes from an asset manifest. */
const CACHED = {
  ...ASSET,
  outputs: ['type=docker'],
  cacheFrom: [{ type: 'registry', params: { ref: 'x.example/cache', mode: 'max' } }, { type: 'gha' }],
  cacheDisabled: true,
};

test('outputs and caches are those of the asset, of which podman knows the last alone', () => {
  expect(buildWords(CACHED, { tag: 'image:1' }).slice(5)).toEqual([
    ...['--output=type=docker', '--cache-from', 'type=registry,ref=x.example/cache,mode=max'],
    ...['--cache-from', 'type=gha', '--no-cache', '.'],
  ]);
  expect(buildWords(CACHED, { tag: 'image:1', kind: 'podman' }).slice(5)).toEqual(['--no-cache', '.']);
});

test('the client runs in the build context, without attestations, as that of the CDK', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'context-'));
  const calls: (CallOptions | undefined)[] = [];
  const caller: Call = async (_program, args, options) => {
    calls.push(args[0] === 'build' ? options : undefined);
    return {
      code: 0,
      stdout: JSON.stringify([{ Id: 'x', Architecture: 'amd64', Os: 'linux', Config: {} }]),
      stderr: '',
    };
  };
  const engine = new Engine({ program: 'docker', kind: 'docker', version: '28', platform: 'linux/amd64' }, caller);
  const announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  try {
    writeFileSync(path.join(folder, 'Dockerfile'), 'FROM python\n');
    const asset = { directory: folder, dockerFile: 'Dockerfile', secrets: { token: 'src=./token.txt' } };
    const sandbox = { folder: () => folder };
    await buildImage({ asset, platform: 'linux/amd64' }, { engine, announce, sandbox });
    expect(calls[0]).toMatchObject({ cwd: folder, env: { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' } });
    expect((await call('/bin/pwd', [], { cwd: folder })).stdout.trim()).toBe(realpathSync(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a build that fails asks the engine for the platforms of the images that it names', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'context-'));
  const stderr = 'Error: initializing source: Get "https://registry.invalid/v2/": dial tcp: no such host';
  const caller: Call = async (_program, args) =>
    args.join(' ') === 'image inspect python'
      ? { code: 0, stdout: JSON.stringify([{ Architecture: 'amd64', Os: 'linux' }]), stderr: '' }
      : { code: 125, stdout: '', stderr };
  const engine = new Engine({ program: 'podman', kind: 'podman', version: '5', platform: 'linux/amd64' }, caller);
  const announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  try {
    writeFileSync(path.join(folder, 'Dockerfile'), 'FROM python\n');
    const asset = { directory: folder, dockerFile: 'Dockerfile', platform: 'linux/arm64' };
    const building = buildImage(
      { asset, platform: 'linux/arm64' },
      { engine, announce, sandbox: { folder: () => folder } },
    );
    await expect(building).rejects.toThrow('are here for linux/amd64: add --platform linux/amd64');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('folders that stand beside the build context may be relative to it, without an engine, too', () => {
  const contexts = { shared: '../shared', other: '/other', image: 'docker-image://python' };
  expect(contextsOf({ ...ASSET, contexts })).toEqual({ ...contexts, shared: '/cdk.out/shared' });
});

test('another platform takes the place of that of the asset', () => {
  const words = buildWords({ ...ASSET, platform: 'linux/arm64' }, { tag: 'image:1', platform: 'linux/amd64' });
  expect(words).toContain('linux/amd64');
  expect(words).not.toContain('linux/arm64');
});

const DOWNLOAD = 'https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem';

test.each([
  [`ADD ${DOWNLOAD} /etc/ssl/rds.pem`, 'COPY --from=rehearsal-certificates global-bundle.pem /etc/ssl/rds.pem'],
  [
    `  add --chmod=444 --checksum=sha256:0 ${DOWNLOAD} /etc/ssl/`,
    '  COPY --chmod=444 --from=rehearsal-certificates global-bundle.pem /etc/ssl/',
  ],
])('%s takes a file of the rehearsal', (line, expected) => {
  const { text, addresses } = withoutDownload(`FROM python\n${line}\nUSER 1\n`);
  expect([text, addresses]).toEqual([`FROM python\n${expected}\nUSER 1\n`, [DOWNLOAD]]);
});

test('no other line changes', () => {
  const text = `FROM python\nADD https://example.com/file /file\nRUN curl ${DOWNLOAD}\n`;
  expect(withoutDownload(text)).toEqual({ text, addresses: [] });
});

test('the changed Dockerfile keeps the .dockerignore that belongs to it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dockerfile-'));
  try {
    const changed = withoutDownload(`FROM python\nADD ${DOWNLOAD} /rds.pem\n`);
    const { file, contexts } = writeWithoutDownload(changed, folder, 'node_modules\n');
    expect(readFileSync(`${file}.dockerignore`, 'utf8')).toBe('node_modules\n');
    expect(existsSync(path.join(contexts['rehearsal-certificates'], 'global-bundle.pem'))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
