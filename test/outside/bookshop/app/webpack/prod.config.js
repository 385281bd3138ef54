const common = require('./common.config');

module.exports = { ...common, mode: 'production', devtool: 'source-map', bail: true };
