// Where the model lies: for `fetch`, for `node:fs`, and for bundlers, which find and rename the file by this line.
export const url = new URL('./static-en.bin', import.meta.url);
