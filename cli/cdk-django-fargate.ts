#!/usr/bin/env node
import { rehearse } from './rehearse';

const USAGE = `cdk-django-fargate COMMAND [options]

  rehearse   runs the stack of this folder's CDK app on this machine with real processes; rehearse --help lists its options

  --version  the version of the library
  --help     this
`;

const WRONG_USE = 2;

function main([command, ...options]: string[], version: string): number | undefined {
  switch (command) {
    case 'rehearse':
      return rehearse(process.cwd(), options, version);
    case '--version':
      process.stdout.write(`${version}\n`);
      return undefined;
    case '--help':
      process.stdout.write(USAGE);
      return undefined;
    default:
      process.stderr.write(command === undefined ? USAGE : `there is no command ${command}\n\n${USAGE}`);
      return WRONG_USE;
  }
}

process.exitCode = main(process.argv.slice(2), require('cdk-django-fargate/package.json').version);
