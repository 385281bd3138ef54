import { spawnSync } from 'node:child_process';
import { failure } from '../../../rehearsal/engine/builder';
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
  const engine = { program: 'podman', platform: 'linux/amd64' };
  const why = (stderr: string) => failure({ code: 1, stdout: '', stderr }, 'Dockerfile', 'linux/amd64', engine);

  test.each([
    'Error: creating build container: initializing source docker://ghcr.io/astral-sh/uv:0.9: pinging container registry ghcr.io: Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host',
    'ERROR: failed to do request: Head "https://ghcr.io/v2/astral-sh/uv/manifests/0.9": dial tcp 10.0.0.1:443: i/o timeout',
    'Error response from daemon: Get "https://ghcr.io/v2/": net/http: request canceled while waiting for connection',
  ])('because its registry cannot be reached is not runnable here: %s', (stderr) => {
    expect(why(stderr)).toBeInstanceOf(NotRunnableHere);
    expect(why(stderr).message).toMatch(/cannot build Dockerfile: https:\/\/ghcr\.io cannot be reached.*`podman load`/);
  });

  test.each(['requests.exceptions: Get "https://shop.example/v3/": dial tcp', 'manifest unknown', ''])(
    'for any other reason is a failure of the project: %j',
    (stderr) => {
      expect(why(stderr)).not.toBeInstanceOf(NotRunnableHere);
      expect(why(stderr).message).toMatch(/^podman cannot build Dockerfile:/);
    },
  );
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
