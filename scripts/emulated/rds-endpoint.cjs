// The emulator gives an RDS instance the name of an endpoint and runs no server behind it. The functions of
// the stack look up where the real PostgreSQL server of that endpoint listens. Nothing else is changed:
// the certificate is verified as ever, against the name under which the local authority issued it.
const { readFileSync } = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');

const ENDPOINT = /\.rds\.amazonaws\.com$/;
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  const [port, host] = given;
  if (typeof host !== 'string' || !ENDPOINT.test(host)) {
    return connect.apply(this, given);
  }
  const ports = JSON.parse(readFileSync(process.env.EMULATED_DATABASES, 'utf8'));
  // An endpoint that nobody serves yet refuses, as an instance does that is still coming up.
  return connect.call(this, ports[`${host}:${port}`] ?? 1, '127.0.0.1', ...given.slice(2));
};

const secured = tls.connect;
tls.connect = (options, ...rest) =>
  secured(ENDPOINT.test(options.servername ?? '') ? { ...options, servername: 'localhost' } : options, ...rest);
