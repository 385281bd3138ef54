import { App } from 'aws-cdk-lib';
import { ClubStack } from './stack';

new ClubStack(new App(), 'Club');
