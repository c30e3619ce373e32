/** The address of each of the engine's files, by name. */
export const URLS: Record<string, () => URL>;
