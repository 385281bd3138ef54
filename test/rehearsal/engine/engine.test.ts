import { type Call, findEngine, NOT_FOUND } from '../../../rehearsal/engine/engine';
import { chooseMode } from '../../../rehearsal/engine/mode';

const DOCKER = { code: 0, stdout: JSON.stringify({ ServerVersion: '28.2', Architecture: 'x86_64' }), stderr: '' };
const NO_DAEMON = {
  code: 0,
  stdout: JSON.stringify({ ServerVersion: '', Architecture: '' }),
  stderr: 'Cannot connect',
};
const PODMAN = {
  code: 0,
  stdout: JSON.stringify({ host: { arch: 'arm64' }, version: { Version: '4.3.1' } }),
  stderr: '',
};
const ABSENT = { code: NOT_FOUND, stdout: '', stderr: '' };

/** Programs of a machine, by name. */
const machine =
  (programs: Record<string, typeof DOCKER>): Call =>
  async (program) =>
    programs[program] ?? ABSENT;

test.each([
  ['docker', {}, { docker: DOCKER, podman: PODMAN }, ['docker 28.2', 'linux/amd64']],
  ['podman where there is no docker', {}, { podman: PODMAN }, ['podman 4.3.1', 'linux/arm64']],
  [
    'what CDK_DOCKER names',
    { CDK_DOCKER: 'podman' },
    { docker: DOCKER, podman: PODMAN },
    ['podman 4.3.1', 'linux/arm64'],
  ],
  ['podman by the name of docker', {}, { docker: PODMAN }, ['docker 4.3.1', 'linux/arm64']],
])('finds %s', async (_, environment, programs, expected) => {
  const { engine, remarks } = await findEngine(environment, machine(programs));
  expect([String(engine), engine?.platform, remarks]).toEqual([...expected, []]);
});

test('a client without an engine counts as absent, and one line says so', async () => {
  const { engine, remarks } = await findEngine({}, machine({ docker: NO_DAEMON, podman: PODMAN }));
  expect(engine?.kind).toBe('podman');
  expect(remarks).toEqual(['docker is installed, and no engine answers it: it counts as absent']);
});

test('no other engine than that of CDK_DOCKER is taken', async () => {
  const { engine, remarks } = await findEngine({ CDK_DOCKER: 'finch' }, machine({ docker: DOCKER }));
  expect([engine, remarks]).toEqual([undefined, ['CDK_DOCKER names finch, which is not there']]);
});

describe('the mode', () => {
  const otherwise = 'image where an engine answers';
  const choose = async (props: Partial<Parameters<typeof chooseMode>[0]>, programs: Record<string, typeof DOCKER>) => {
    const lines: string[] = [];
    const find = () => findEngine({}, machine(programs));
    const engine = await chooseMode({ otherwise, write: (line) => lines.push(line), find, ...props });
    return { engine: engine && String(engine), lines };
  };

  test('is image where an engine answers, and a line says which', async () => {
    const { engine, lines } = await choose({}, { docker: DOCKER });
    expect(engine).toBe('docker 28.2');
    expect(lines).toEqual(['≈ image mode: docker 28.2 builds the image and runs it (--mode processes does without)']);
  });

  test('is processes where none answers, and a line says so', async () => {
    const { engine, lines } = await choose({}, {});
    expect(engine).toBeUndefined();
    expect(lines).toEqual([expect.stringContaining('process mode: no container engine answers')]);
  });

  test('is processes in a clone, whatever answers', async () => {
    expect(await choose({ otherwise: 'processes' }, { docker: DOCKER })).toEqual({ engine: undefined, lines: [] });
    expect((await choose({ otherwise: 'processes', given: 'image' }, { docker: DOCKER })).engine).toBe('docker 28.2');
  });

  test('is what --mode says, and a line says so', async () => {
    expect(await choose({ given: 'processes' }, { docker: DOCKER })).toEqual({
      engine: undefined,
      lines: ['≈ process mode, as --mode says: processes of this machine stand for the image'],
    });
  });

  test('image without an engine is refused', async () => {
    await expect(choose({ given: 'image' }, {})).rejects.toThrow('needs a container engine that answers');
  });

  test('is that of an option which belongs to one of them', async () => {
    const only = { mode: 'processes', option: '--python' } as const;
    expect(await choose({ only }, { docker: DOCKER })).toEqual({
      engine: undefined,
      lines: ['≈ process mode, as --python says: processes of this machine stand for the image'],
    });
    await expect(choose({ only, given: 'image' }, { docker: DOCKER })).rejects.toThrow(
      '--python belongs to --mode processes',
    );
  });

  test('has one of two names', async () => {
    await expect(choose({ given: 'docker' }, {})).rejects.toThrow('--mode must be image or processes, got "docker"');
  });
});
