import { type SpawnOptions, spawn } from 'node:child_process';
import { Entrance } from '../../../rehearsal/processes/entrance';
import { output, program, SAYS } from './entering';

test('what enters as root sees no variable of the task, and the task sees all of its own', async () => {
  const given: SpawnOptions[] = [];
  const child = Entrance.covering([]).start((word, words, options) => {
    given.push(options);
    // What mounts is left out: this shows who is given the variables, on a machine that mounts nothing, too.
    const { python } = program(SAYS);
    expect(word).toBe('unshare');
    return spawn(python, words.slice(words.indexOf(python) + 1), options);
  }, program(SAYS));
  expect(await output(child)).toBe('blue /');
  expect(given.map(({ env }) => env)).toEqual([{ PATH: process.env.PATH }]);
});

test('without mounts a program starts as it is', async () => {
  expect(await output(Entrance.OPEN.start(spawn, program(SAYS)))).toBe('blue /');
});
