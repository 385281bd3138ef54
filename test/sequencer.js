const Sequencer = require('@jest/test-sequencer').default;

/** The longest first, so that it runs beside all the others; on a fresh clone jest does not know which that is. */
const FIRST = ['properties.test.ts', 'validity.test.ts'];

const rank = ({ path }) => {
  const index = FIRST.findIndex((name) => path.endsWith(name));
  return index < 0 ? FIRST.length : index;
};

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => rank(one) - rank(other));
  }
};
