import { readDockerfile } from '../../../../rehearsal/image/dockerfile/read';
import { WAYS_OUT } from '../../../../rehearsal/image/dockerfile/rules';
import { FORMS } from './forms';
import { shown } from './shown';

test('there are at least 60 forms, each with a name of its own', () => {
  expect(FORMS.length).toBeGreaterThanOrEqual(60);
  expect(new Set(FORMS.map(({ name }) => name)).size).toBe(FORMS.length);
});

describe.each(FORMS)('$name', ({ text, options, steps, announced = [], refused = [], defaults }) => {
  const plan = readDockerfile(text, options);

  test('is refused where it says so, with the line and why', () => {
    expect(plan.refused.map(({ line }) => line)).toEqual(refused.map(([line]) => line));
    for (const [index, [, why]] of refused.entries()) {
      expect(plan.refused[index].why).toContain(why);
    }
  });

  test('is announced where it has no effect here', () => {
    expect(plan.announced.map(({ line }) => line)).toEqual(announced.map(([line]) => line));
    for (const [index, [, why]] of announced.entries()) {
      expect(plan.announced[index].why).toContain(why);
    }
  });

  if (steps !== undefined) {
    test('is followed exactly', () => {
      const own = steps.some((step) => / from /.test(step)) ? steps : ['1 from python 3.12', ...steps];
      expect(shown(plan)).toEqual(own);
    });
  }

  if (defaults !== undefined) {
    test('says what a container starts with', () => {
      expect(plan.target?.defaults).toMatchObject(defaults);
    });
  }
});

test('every refusal names the ways out', () => {
  expect(WAYS_OUT).toMatch(/--prepared FOLDER.*--python VERSION.*--requirements FILE/);
});
