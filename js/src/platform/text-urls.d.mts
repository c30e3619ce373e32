/** The address of the text module, by name. */
export const URLS: Record<string, () => URL>;
