// The handlers bundle RDS's certificate authorities. Here a local authority issues the server's certificate.
const { readFileSync } = require('node:fs');
const tls = require('node:tls');

const local = readFileSync(process.env.REHEARSAL_CA_FILE, 'utf8');
const { createSecureContext } = tls;
tls.createSecureContext = (options = {}) =>
  createSecureContext(options.ca === undefined ? options : { ...options, ca: [options.ca, local].flat() });
