// urls.mjs - where the engine's files are. Generated into dist/, as the addresses are relative to the files there.
export { URLS } from '../../../dist/urls.mjs';
