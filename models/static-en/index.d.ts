/** The address of `static-en.bin`, the table of vecstore's built-in embedder. */
export const url: URL;
