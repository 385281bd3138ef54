const path = require('node:path');
const BundleTracker = require('webpack-bundle-tracker');

const root = path.resolve(__dirname, '..');

module.exports = {
  target: 'web',
  context: root,
  entry: { project: './bookshop/static/js/project' },
  output: {
    path: path.join(root, 'bookshop/static/webpack_bundles'),
    publicPath: '/static/webpack_bundles/',
    filename: 'js/[name]-[fullhash].js',
    chunkFilename: 'js/[name]-[fullhash].js',
  },
  plugins: [new BundleTracker({ path: root, filename: 'webpack-stats.json' })],
  resolve: { extensions: ['.js'] },
};
