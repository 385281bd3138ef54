const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

/**
 * The environment of jest for Node.js, whose global object is a plain one.
 *
 * jest puts a Proxy in its place, through which every mention of `Object`, `Array` or `Map` then goes: a synthesis
 * takes three times as long. The proxy serves to free memory after a test file, which no file here needs. Versions
 * of Node.js before 20.18 do not know such a global object, and take that of jest.
 */
module.exports = class PlainGlobals extends TestEnvironment {
  constructor(config, context) {
    const { createContext, constants } = vm;
    if (constants?.DONT_CONTEXTIFY !== undefined) {
      vm.createContext = () => createContext(constants.DONT_CONTEXTIFY);
    }
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
};
