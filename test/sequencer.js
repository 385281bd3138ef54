const Sequencer = require('@jest/test-sequencer').default;

/** The longest, which run beside all the others; on a fresh clone jest does not know which they are. */
const isFirst = ({ path }) => /(validity\.sweep|application\/large|stateful-ids)\.test\.ts$/.test(path);

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => isFirst(other) - isFirst(one));
  }
};
