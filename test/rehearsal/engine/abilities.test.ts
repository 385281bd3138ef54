import { probe } from '../../../rehearsal/engine/abilities';
import { NotRunnableHere } from '../../../rehearsal/image/not-runnable-here';

/** An engine that runs a container unless a rule finds something in its options. */
async function probed(kind: 'docker' | 'podman', refuses: (words: string) => boolean) {
  const said: string[] = [];
  let trials = 0;
  const abilities = await probe({
    kind,
    files: 20_000,
    substitution: (text) => said.push(text),
    trial: async (globals, options) => {
      trials++;
      return refuses([...globals, 'run', ...options].join(' '))
        ? { code: 126, stdout: '', stderr: 'Error: not here' }
        : { code: 0, stdout: '', stderr: '' };
    },
  });
  return { abilities, said, trials };
}

test('where everything can be had, one container is enough and nothing is said', async () => {
  const { abilities, said, trials } = await probed('docker', () => false);
  expect({ said, trials, globals: abilities.globals, ceilings: abilities.ceilings }).toEqual({
    said: [],
    trials: 1,
    globals: [],
    ceilings: undefined,
  });
  expect([...abilities.properties]).toContain('memory');
});

test('podman with a runtime that refuses, on a machine with few open files and processes', async () => {
  const { abilities, said } = await probed(
    'podman',
    (words) => !/^--runtime runc run/.test(words) || !/nofile=20000:20000 --ulimit nproc=(4096|1024):/.test(words),
  );
  expect(abilities.globals).toEqual(['--runtime', 'runc']);
  expect(abilities.ceilings?.map(({ name, hard }) => [name, hard])).toEqual([
    ['nofile', 20_000],
    ['nproc', 4096],
  ]);
  expect(abilities.properties.size).toBe(7);
  expect(said).toEqual(['this machine grants a container at most 20000 open files and 4096 processes']);
});

test('each property that cannot be had is left out, and said in a line', async () => {
  const { abilities, said } = await probed('docker', (words) => /--cpus|--memory-swap/.test(words));
  expect(abilities.properties.has('processor') || abilities.properties.has('swap')).toBe(false);
  expect(abilities.properties.has('memory')).toBe(true);
  expect(said).toHaveLength(2);
  expect(said.join()).toContain('a container may take every processor of this machine');
});

test('where no container runs, nothing can be rehearsed here, and the message has the words of the engine', async () => {
  await expect(probed('docker', () => true)).rejects.toThrow(NotRunnableHere);
  await expect(probed('podman', () => true)).rejects.toThrow(/Error: not here.*--mode processes/);
});
