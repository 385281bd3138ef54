import { App } from 'aws-cdk-lib';
import { GalleryStack } from './stack';

new GalleryStack(new App(), 'Gallery');
