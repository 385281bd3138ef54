import type { Rehearsal } from '../../../rehearsal/rehearsal';
import { Journal } from '../../../rehearsal/view/journal';
import { RehearsalControls } from '../../../rehearsal/view/rehearsal-controls';
import { Turns } from '../../../rehearsal/wait';

/** Controls of a rehearsal whose every roll takes a moment, and what they do in order. */
function controls() {
  const done: string[] = [];
  const step = async (name: string) => {
    done.push(`${name} starts`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push(`${name} ends`);
  };
  const rehearsal = {
    sandbox: { folder: () => '/logs' },
    services: [{ name: 'web', redeploy: () => step('roll') }],
    rotation: {
      schedules: [
        { id: 'KeyRotation', secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:Shop-SecretKey-a1B2c3' },
      ],
      rotate: () => step('rotation'),
      refresh: async () => [],
    },
    rebuild: async () => {
      await step('build');
      return () => undefined;
    },
    release: async () => [],
  };
  const ending = new AbortController();
  const rolling = { turns: new Turns(), ending: ending.signal };
  const one = new RehearsalControls(rehearsal as unknown as Rehearsal, new Journal(), 'Shop', rolling);
  return { one, done, ending };
}

test('what rolls services takes turns: restart, rotation and deployment', async () => {
  const { one, done } = controls();
  await Promise.all([one.restart('web'), one.restart('web'), one.rotate('Shop-SecretKey'), one.deploy()]);
  const steps = ['roll', 'roll', 'rotation', 'build', 'roll'];
  expect(done).toEqual(steps.flatMap((step) => [`${step} starts`, `${step} ends`]));
});

test('a deployment whose turn comes after Ctrl-C does nothing', async () => {
  const { one, done, ending } = controls();
  const restarted = one.restart('web');
  const deployed = one.deploy();
  ending.abort();
  await expect(deployed).rejects.toThrow('the rehearsal ends, and deploys nothing any more');
  await restarted;
  expect(done).toEqual(['roll starts', 'roll ends']);
});

test('secrets have the names of secrets, not of their schedules', async () => {
  const { one } = controls();
  expect(one.secrets).toEqual(['Shop-SecretKey']);
  expect(await one.rotate('Shop-SecretKey')).toBe('Shop-SecretKey rotated; no service reads it');
  await expect(one.rotate('KeyRotation')).rejects.toThrow('there is no KeyRotation');
});
