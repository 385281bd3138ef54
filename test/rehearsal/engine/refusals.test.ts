import { spawnSync } from 'node:child_process';
import { type BuildFailureProps, buildFailure } from '../../../rehearsal/engine/build-failure';
import { type Platforms, whyWrongPlatform, withoutEmulation } from '../../../rehearsal/engine/platform';
import { healthPrograms, questionOf, surveyOf, whyUnhealthy } from '../../../rehearsal/engine/survey';
import { NotRunnableHere } from '../../../rehearsal/image/not-runnable-here';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

const PLATFORMS: Platforms = {
  name: 'Dockerfile',
  asset: {},
  built: 'linux/amd64',
  wanted: 'linux/arm64',
  native: 'linux/amd64',
};

describe('an image for another processor than that of its tasks', () => {
  test('is refused with what to change', () => {
    const why = whyWrongPlatform(PLATFORMS);
    expect(why).toContain('the tasks run on linux/arm64, and ContainerImage.fromAsset has no platform');
    expect(why).toContain('`platform: Platform.LINUX_ARM64`, or the tasks `cpuArchitecture: CpuArchitecture.X86_64`');
    expect(why).toContain('--platform linux/amd64');
  });

  test('says the platform that the asset has', () => {
    const why = whyWrongPlatform({ ...PLATFORMS, asset: { platform: 'linux/amd64' } });
    expect(why).toContain('ContainerImage.fromAsset has the platform linux/amd64');
  });

  test.each(['linux/arm64', 'linux/arm64/v8'])('%s is not: it runs on linux/arm64', (built) => {
    expect(whyWrongPlatform({ ...PLATFORMS, built })).toBeUndefined();
  });

  test('needs emulation where the engine cannot run it', () => {
    expect(withoutEmulation('linux/arm64', 'linux/amd64')).toMatch(/needs emulation.*--platform linux\/amd64/);
  });
});

describe('a build that fails', () => {
  const why = (stderr: string, others: Partial<BuildFailureProps> = {}) =>
    buildFailure({
      answer: { code: 1, stdout: '', stderr },
      name: 'Dockerfile',
      text: 'FROM python:3.13\nRUN --mount=type=bind,source=a,target=a <<EOF\nset -e\nEOF\n',
      platform: 'linux/amd64',
      engine: { program: 'podman', kind: 'podman', version: '4.3.1', platform: 'linux/amd64' },
      reaches: async () => false,
      platformOf: async () => undefined,
      ...others,
    });
  const HEREDOC = 'Error: building at STEP "SET ": Build error: Unknown instruction: "SET" &imagebuilder.Step{}';
  const NO_IMAGE = `Trying to pull ghcr.io/astral-sh/uv:0.9...
Error: COPY --from=ghcr.io/astral-sh/uv:0.9: no stage or image found with that name`;

  test.each([
    'Error: initializing source docker://ghcr.io/astral-sh/uv:0.9: pinging container registry ghcr.io: Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host',
    'ERROR: failed to do request: Head "https://ghcr.io/v2/astral-sh/uv/manifests/0.9": dial tcp 10.0.0.1:443: i/o timeout',
    'Error response from daemon: Get "https://ghcr.io/v2/": net/http: request canceled while waiting for connection',
    NO_IMAGE,
  ])('because its registry cannot be reached is not runnable here: %s', async (stderr) => {
    const error = await why(stderr);
    expect(error).toBeInstanceOf(NotRunnableHere);
    expect(error.message).toMatch(
      /cannot build Dockerfile: https:\/\/ghcr\.io cannot be reached.*`podman load`.*--mode processes/,
    );
  });

  describe('because the images that it names are here for another platform', () => {
    const text = `FROM --platform=$BUILDPLATFORM python:3.13 AS Build
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/
FROM build
COPY --chown=1000 --from=build /app /app
FROM scratch
`;
    const said = async (platforms: Record<string, string>) => {
      const platformOf = async (image: string) => platforms[image];
      const error = await why(NO_IMAGE, { text, platform: 'linux/arm64', platformOf });
      expect(error).toBeInstanceOf(NotRunnableHere);
      return error.message;
    };
    const [AMD, ARM] = ['linux/amd64', 'linux/arm64/v8'];

    test('says which --platform to add', async () => {
      const message = await said({ 'python:3.13': AMD, 'ghcr.io/astral-sh/uv:0.9': AMD });
      expect(message).toContain('cannot build Dockerfile for linux/arm64: https://ghcr.io cannot be reached');
      expect(message).toContain('The images that it names are here for linux/amd64: add --platform linux/amd64');
    });

    test.each<Record<string, string>>([
      { 'python:3.13': AMD },
      { 'python:3.13': ARM, 'ghcr.io/astral-sh/uv:0.9': ARM },
    ])('says nothing of it where one is missing, or all are for the wanted one: %j', async (platforms) => {
      expect(await said(platforms)).toMatch(/`podman load`/);
    });
  });

  test.each([
    [HEREDOC, /podman 4\.3\.1 cannot build Dockerfile: it does not know heredocs .*podman from 4\.8/],
    [
      'resolving mountpoints: invalid container path "a", must be an absolute path',
      /does not know mounts .*podman 5\.4/,
    ],
  ])('because the engine is too old is not runnable here: %s', async (stderr, words) => {
    const error = await why(stderr);
    expect(error).toBeInstanceOf(NotRunnableHere);
    expect(error.message).toMatch(words);
  });

  test.each<[string, Partial<BuildFailureProps>]>([
    ['requests.exceptions: Get "https://shop.example/v3/": dial tcp', {}],
    ['Error: reading manifest 9.9 in docker.io/library/python: manifest unknown', {}],
    [NO_IMAGE, { reaches: async () => true }],
    ['Error: COPY --from=biuld: no stage or image found with that name', {}],
    [HEREDOC, { text: 'FROM python:3.13\nSET a=b\n' }],
    ['', {}],
  ])('for any other reason is a failure of the project: %j', async (stderr, others) => {
    const error = await why(stderr, others);
    expect(error).not.toBeInstanceOf(NotRunnableHere);
    expect(error.message).toMatch(/^podman cannot build Dockerfile:/);
  });
});

describe('the programs of container health checks', () => {
  const definition = (kind: string, command?: string[]) =>
    ({ kind, family: kind, healthCheck: command && { command } }) as unknown as TaskDefinition;
  const programs = healthPrograms([
    definition('web', ['curl', '--fail', 'http://127.0.0.1:8000/']),
    definition('asgi', ['curl', '--fail', 'http://127.0.0.1:8000/']),
    definition('worker', ['sh', '-c', 'true']),
    definition('release'),
  ]);

  test('one that the image lacks is named with its containers', () => {
    const why = whyUnhealthy(programs, surveyOf('missing curl\nfile manage.py\n'));
    expect(why).toContain('the container health check of web, asgi runs curl, which the image does not have');
    expect(why).toContain('Install it in the Dockerfile');
  });

  test('nothing is said where all are there', () => {
    expect(whyUnhealthy(programs, surveyOf('file manage.py\n'))).toBeUndefined();
  });

  test('a shell answers which programs and files it does not find', () => {
    const [shell, ...args] = questionOf(['sh', 'no-such-program', '/bin/sh'], ['package.json', 'no-such-file']);
    const { stdout } = spawnSync(shell, args, { encoding: 'utf8' });
    expect(surveyOf(stdout)).toEqual({ missing: ['no-such-program'], files: ['package.json'] });
  });
});
