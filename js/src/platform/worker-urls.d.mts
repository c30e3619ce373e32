/** Starts the package's own worker in a browser. */
export function browserWorker(): Worker;
/** The script of the package's own thread. */
export function nodeWorker(): URL;
