// The handlers carry the certificate authorities of RDS; here the server's certificate comes from a local one.
const { readFileSync } = require('node:fs');
const tls = require('node:tls');

const local = readFileSync(process.env.REHEARSAL_CA_FILE, 'utf8');
const { createSecureContext } = tls;
tls.createSecureContext = (options = {}) =>
  createSecureContext(options.ca === undefined ? options : { ...options, ca: [options.ca, local].flat() });
