/** Makes an instance of the IDBFS build. */
export default function create(options: object): Promise<{ FS: any; IDBFS: any }>;
