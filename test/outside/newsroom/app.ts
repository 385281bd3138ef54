import { App } from 'aws-cdk-lib';
import { NewsroomStack } from './stack';

new NewsroomStack(new App(), 'Newsroom');
