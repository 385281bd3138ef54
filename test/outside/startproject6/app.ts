import { App } from 'aws-cdk-lib';
import { Startproject6Stack } from './stack';

new Startproject6Stack(new App(), 'Notes');
