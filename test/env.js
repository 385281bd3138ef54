// The WebAssembly template validator costs about a second for each process: only the validity test pays it.
process.env.CDK_VALIDATION ??= 'false';
process.env.JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = '1';
