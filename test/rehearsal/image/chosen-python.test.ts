import { checkChosenPython } from '../../../rehearsal/image/chosen-python';
import { baseOf } from '../../../rehearsal/image/dockerfile/base';
import { findInterpreter, minorOf } from '../../../rehearsal/image/interpreters';
import { Building } from './building';

const here = findInterpreter('3');
const version = here?.version ?? '';
const bases = (...images: string[]) => images.map((image) => baseOf(image));

let place: Building;
beforeEach(() => {
  place = new Building();
});
afterEach(() => place.end());

test('a bare 3 that is another version than FROM names is refused before anything starts, with both versions', async () => {
  await expect(place.build('FROM python:3.8-slim\n', { python: '3' })).rejects.toThrow(
    `--python 3 is Python ${version} on this machine, but python:3.8-slim has Python 3.8. Leave --python out for 3.8, or write --python ${minorOf(version)} if you want that one.`,
  );
  expect(place.said.filter((line) => line.startsWith('Python '))).toEqual([]);
});

test.each(['/bin/sh', 'python', 'three', '3.x', ''])('%p is no version', async (python) => {
  await expect(place.build('FROM python:3.8-slim\n', { python })).rejects.toThrow(
    /^--python must be a version, got .*, which is (no Python of this machine|Python 3\.\d+\.\d+)\. Write it as in --python 3\.\d+\.$/,
  );
});

test('a Python by its path is told by its version', () => {
  expect(() => checkChosenPython(here?.program ?? '', [])).toThrow(
    `which is Python ${version}. Write it as in --python ${minorOf(version)}.`,
  );
});

test('a minor version was chosen, whatever FROM names; a bare 3 may stand for the same and for none', () => {
  expect(() => checkChosenPython(minorOf(version), bases('python:3.8-slim'))).not.toThrow();
  expect(() => checkChosenPython(version, bases('python:3.8-slim'))).not.toThrow();
  expect(() => checkChosenPython('3', bases(`python:${minorOf(version)}`, 'python:3', 'node:20'))).not.toThrow();
});

test('an exact version is found where this machine has it, and no other is taken for it', () => {
  expect(findInterpreter(version)?.version).toBe(version);
  expect(findInterpreter(`${minorOf(version)}.99`)).toBeUndefined();
});
