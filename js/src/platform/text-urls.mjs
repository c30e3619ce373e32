// text-urls.mjs - where the text module is. Generated into dist/, as the address is relative to the files there.
export { URLS } from '../../../dist/text-urls.mjs';
