// The WebAssembly template validator costs about a second for each process: only the validity test pays it.
process.env.CDK_VALIDATION ??= 'false';
// aws-cdk-lib warns of a property that it sets itself, at every App.
process.env.JSII_DEPRECATED ??= 'quiet';
