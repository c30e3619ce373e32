// types.js - the types of the public interface; no code.

/** @typedef {import('./errors.js').ErrorCode} ErrorCode */
/** @typedef {import('./filter.js').FilterValue} FilterValue */

/**
 * A filter as an object; its keys and the operators' values are checked against the metadata's type M.
 * @template [M=Record<string, any>]
 * @typedef {import('./filter.js').Filter<M>} Filter
 */

/** @typedef {import('./schema.js').FieldType} FieldType */
/** @typedef {import('./schema.js').FieldRule} FieldRule */
/** @typedef {import('./schema.js').FieldRules} FieldRules */

/**
 * Values for the $names of a filter; behind IN an array.
 * @typedef {Record<string, FilterValue | readonly FilterValue[]>} FilterParams
 */

/**
 * Which records: text in the filter language, or an object.
 * @template {object} [M=Record<string, any>]
 * @typedef {object} Selection
 * @property {string | Filter<M>} [filter] absent: all
 * @property {FilterParams} [params] for a filter as text
 */

/**
 * A string of 1 to 1,024 UTF-8 bytes or a safe integer >= 0. `1` and `'1'` are different ids.
 * @typedef {string | number} Id
 */

/**
 * What a vector may be given as; it is copied during the call.
 * @typedef {Float32Array | Float64Array | number[]} VectorInput
 */

/** @typedef {'cosine' | 'euclidean' | 'dot' | 'manhattan' | 'hamming' | 'jaccard' | 'chebyshev' | 'canberra' |
 *   'braycurtis'} Metric */

/**
 * Text stored with a record: a string, or named strings.
 * @typedef {string | Record<string, string>} Text
 */

/** @typedef {'vector' | 'metadata' | 'text' | 'sparse' | 'multivector'} Part */

/**
 * A sparse vector, as of SPLADE: indices below 2^32 - 1, ascending, and the values that go with them.
 * @typedef {{ indices: Uint32Array, values: Float32Array }} SparseVector
 */

/**
 * What a sparse vector may be given as: indices in any order, each once. It is copied during the call.
 * @typedef {{ indices: ArrayLike<number>, values: VectorInput }} SparseVectorInput
 */

/**
 * The vectors of a record's tokens, all of one dimension, which need not be the store's.
 * @typedef {Float32Array[] | { type: 'int8', vectors: Float32Array[] }} Multivector
 */

/**
 * What vectors of tokens may be given as; `int8` keeps each component in one byte, with a scale per token.
 * @typedef {readonly VectorInput[] | { type?: 'f32' | 'int8', vectors: readonly VectorInput[] }} MultivectorInput
 */

/**
 * Late interaction: the nearest `candidates`, 100 and at least k, get a new score, the sum over these token vectors of
 * the greatest inner product with one of the record's. Records without token vectors come last, with -Infinity.
 * @typedef {{ maxsim: readonly VectorInput[], candidates?: number }} Rescoring
 */

/**
 * How the index is built and searched. `auto` scans small sets and builds a graph for larger ones.
 * @typedef {object} IndexOptions
 * @property {'auto' | 'hnsw' | 'flat'} [type]
 * @property {number} [M] links per node; 16
 * @property {number} [efConstruction] candidates when building; 200
 * @property {number} [efSearch] candidates when searching; 50
 * @property {'standard' | 'turbo'} [layout] turbo: each node has its neighbours' 4-bit codes beside it, from the first
 *   optimize() on: several times the memory of the standard layout, and faster searching. Implies int8
 * @property {'fast' | 'balanced' | 'high' | 'max'} [preset] efSearch 20, 50, 100 or 200
 * @property {number} [targetRecall] the share of the true nearest 10 that queries shall find on average, 0.5 to 0.999, in
 *   the place of efSearch: the first queries measure, a few milliseconds each, which ef gives it on samples of the
 *   store's own data, and again when these have grown by half or were replaced; `stats().index.calibration` tells
 */

/**
 * What an embedder is told beside the texts.
 * @typedef {object} EmbedOptions
 * @property {'query' | 'document'} [kind] what the texts are; some models treat the two differently. 'document'
 * @property {AbortSignal} [signal]
 * @property {(share: number) => void} [onProgress] is told the share done, 0 to 1
 */

/**
 * Makes vectors of texts. A store remembers name and dimension of the one that made its vectors.
 * @typedef {object} Embedder
 * @property {string} name of model and settings, 1 to 96 bytes: another name means other vectors
 * @property {number} dimension
 * @property {(texts: string[], options: EmbedOptions) => Promise<VectorInput[]> | VectorInput[]} embed one vector per
 *   text, in their order
 */

/**
 * How a metadata field is indexed: `value` keeps the records of each value, `range` their order, `auto` lets the data
 * decide, false is none.
 * @typedef {'auto' | 'value' | 'range' | false} MetadataIndex
 */

/**
 * Product quantization with options: `subvectors`, pieces that have a code of one byte each (one for 8 dimensions, or
 * about 48); `centroids` a code chooses from, up to 256; `residual`: codes of what 256 whole vectors leave.
 * @typedef {{ type: 'pq', subvectors?: number, centroids?: number, residual?: boolean }} ProductQuantization
 * @typedef {'auto' | 'none' | 'int8' | 'binary' | 'pq' | ProductQuantization} Quantization
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {object} OpenOptions
 * @property {string} [path] a directory (fs) or plain name [A-Za-z0-9._-]{1,128}; ':memory:' or absent = not persisted
 * @property {'auto' | 'memory' | 'fs' | 'opfs' | 'idbfs' | 'idb' | import('./storage/storage-host.js').StorageHost} [storage] 'auto'
 * @property {number} [dimension] absent: the first insert fixes it; 0 = records without vectors
 * @property {Metric} [metric] 'cosine'
 * @property {IndexOptions} [index]
 * @property {Quantization} [quantization] what the index is walked on, with metric cosine, dot or euclidean and a
 *   graph; the nearest candidates are compared in full precision. `int8`: codes of one byte per component; `auto`: that
 *   from 10,000 records on where it is possible; `binary`: of one bit; `pq`: of one byte for 8 components. The latter
 *   two are trained, in the background, once there are 1,000 records, and again by `optimize()`; where they would lose
 *   more than a tenth of the nearest, `int8` takes their place and `stats().index.refused` says why. May be changed when a store is opened
 * @property {number} [memoryBudget] bytes, 0 = no limit
 * @property {FieldRules | null} [schema] what metadata must look like, from now on; it is kept with the store. null
 *   takes it away
 * @property {{ [field in Extract<keyof M, string> | `${string}.${string}`]?: MetadataIndex } | null} [indexes] of metadata fields,
 *   where the data should not decide; kept with the store. null takes them back
 * @property {'strict' | 'relaxed'} [durability] strict: acknowledged = synced; relaxed: synced in the background
 * @property {boolean | (() => any)} [worker] true: the engine runs in a worker of its own, and this thread only sends and
 *   receives. A function starts the worker itself, whose script imports `vecstore/worker`
 * @property {boolean} [multiTab] several tabs or workers may open the store at the same time, all with the same options: one
 *   of them has it open, and the others reach it there. For storage 'idbfs', 'idb' and 'opfs'
 * @property {'auto' | 'off'} [gpu]
 * @property {boolean} [requirePersistence] refuse to fall back to memory
 * @property {boolean} [repair] open a damaged store with what can be read of it: the index is built anew, and all is
 *   written to new files before the store is open; only then are the damaged ones removed. `verify({ repair: true })`
 *   tells what was found and lost. Where the manifest is lost, the settings given now are in force
 * @property {TextOptions} [text] how texts are searched
 * @property {Embedder} [embedder] makes the vectors of records and queries that come with text only
 * @property {URL | Response | BufferSource | WebAssembly.Module} [wasm] the engine, if not next to this package
 * @property {AbortSignal} [signal]
 * @property {(share: number) => void} [onProgress]
 */

/**
 * A record to write; it replaces the whole record of that id.
 * @template {object} [M=Record<string, any>]
 * @typedef {object} RecordInput
 * @property {Id} id
 * @property {VectorInput} [vector] made of the text by the store's embedder when absent; without one required unless
 *   the store has dimension 0
 * @property {M} [metadata] JSON-like, with exact integers (bigint too); {} when absent
 * @property {Text} [text] fields are embedded as one text: their values, a blank line between them
 * @property {SparseVectorInput} [sparse]
 * @property {MultivectorInput} [multivector] of the record's tokens
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {object} StoredRecord
 * @property {Id} id
 * @property {Float32Array} [vector]
 * @property {M} [metadata]
 * @property {Text} [text]
 * @property {SparseVector} [sparse]
 * @property {Multivector} [multivector]
 */

/**
 * What a query looks near to: a vector, a text that the store's embedder makes one of, or a sparse vector, whose score
 * is the inner product; hits of that have no distance.
 * @typedef {{ vector: VectorInput, text?: undefined, sparse?: undefined } | { text: string, vector?: undefined, sparse?: undefined }
 *   | { sparse: SparseVectorInput, vector?: undefined, text?: undefined }} QueryPoint
 */

/**
 * Takes a score down the farther a field is from an origin: at distance `scale` (beyond `offset`) the score is
 * multiplied by `midpoint`.
 * @typedef {object} Boost
 * @property {string} field
 * @property {'exponential' | 'linear' | 'gaussian'} [decay] 'gaussian'
 * @property {Date | string | number | { lat: number, lon: number } | { lat: number, lng: number }} [origin] a time
 *   (a Date, an ISO date or 'now', which is the default), a number, or a place
 * @property {number | string} scale of a time milliseconds or '36h', '30d' (ms, s, m, h, d, w); of a place metres
 * @property {number | string} [offset] no decay up to there; 0
 * @property {number} [midpoint] between 0 and 1; 0.5
 * @property {number} [weight] the share of the score that decays; 1
 * @property {number} [missing] the factor of a record without the field; 0
 */

/**
 * @template {object} [M=Record<string, any>]
 * @template {string} [F=string] the facets asked for
 * @typedef {object} QueryOptions
 * @property {number} [k] 10
 * @property {string | Filter<M>} [filter] only records that match; always min(k, matches) of them
 * @property {FilterParams} [params] values for the $names of a filter as text
 * @property {number} [ef] candidates; raised to k when below
 * @property {'fast' | 'balanced' | 'high' | 'max'} [preset] ef 20, 50, 100 or 200
 * @property {number} [targetRecall] the ef that was measured to find this share of the true nearest, 0.5 to 0.999
 * @property {boolean} [exact] compare with every record
 * @property {number | boolean | Rescoring} [rescore] by the tokens' vectors, or with codes a number: how many of the
 *   nearest candidates, of ef, are compared in full precision, at least k; true: enough to lose nothing that matters
 *   (int8: a few more than k, others: all); 0, false: none, distances are those of the codes
 * @property {number} [maxDistance]
 * @property {number} [minScore]
 * @property {readonly F[]} [facets] fields whose values are counted over all records that match
 * @property {Boost | readonly Boost[]} [boost]
 * @property {boolean} [explain] each hit says why it is there
 * @property {Part[]} [include] ['metadata']
 * @property {AbortSignal} [signal]
 */

/**
 * @template {object} [M=Record<string, any>]
 * @template {string} [F=string] the facets asked for
 * @typedef {QueryPoint & QueryOptions<M, F>} Query
 */

/**
 * What `estimate` is asked: a query, whose vector may be left out.
 * @template {object} [M=Record<string, any>]
 * @typedef {QueryOptions<M> & { vector?: VectorInput, text?: string }} QueryCost
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {object} Hit
 * @property {Id} id
 * @property {number} score higher is better
 * @property {number} distance lower is nearer
 * @property {M} [metadata]
 * @property {Float32Array} [vector]
 * @property {Text} [text]
 * @property {SparseVector} [sparse]
 * @property {Multivector} [multivector]
 * @property {{ vector?: number, sparse?: number, maxsim: number | null }} [parts] with `rescore: { maxsim }`
 * @property {HitExplanation} [explanation]
 */

/**
 * The most frequent values of a field, at most 100, and how many records have each; the elements of an array count
 * one by one.
 * @typedef {{ value: string | number | bigint | boolean, count: number }[] & { distinct: number, missing: number }} Facet
 */

/**
 * Hits, and beside them the facets asked for.
 * @template {object} [M=Record<string, any>]
 * @template {string} [F=never]
 * @typedef {Hit<M>[] & ([F] extends [never] ? unknown : { facets: Record<F, Facet> })} Hits
 */

/**
 * Why a hit is where it is.
 * @typedef {object} HitExplanation
 * @property {number} rank counted from 1
 * @property {{ vector: number, boost?: number }} parts the metric's score, and the factor of the boosts
 * @property {{ term: string, matched: boolean | null }[]} filter its conditions; null: they could not tell
 * @property {string} text
 */

/**
 * How a query would run.
 * @typedef {object} Estimate
 * @property {'nothing' | 'plain' | 'scan' | 'graph' | 'post-filter'} plan what is chosen
 * @property {number} records live ones
 * @property {number} k
 * @property {number} ef
 * @property {number} width candidates that a walk keeps; 0: no walk
 * @property {string | null} filter as the engine understood it
 * @property {{ term: string, index: 'value' | 'range' | null }[]} terms its conditions, and what answers them
 * @property {number} estimated matches expected
 * @property {boolean} exact whether that is their number
 * @property {number} sampled records read for it
 * @property {number | null} matches their number; null: it was not needed
 * @property {'remembered' | 'index' | 'index and metadata' | 'metadata' | null} method of finding them
 * @property {number | null} cost microseconds
 * @property {{ plan: string, cost: number | null, why: string }[]} rejected
 * @property {{ do: 'ef' | 'index' | 'flat' | 'quantize', field?: string, value?: number, improves: string,
 *   why: string }[]} hints `improves` names a counter here that gets smaller when the hint is followed
 * @property {number} evaluated records whose metadata was read
 * @property {string} text all of this for people, which toString() gives too
 */

/**
 * @typedef {object} PlanStep
 * @property {'match' | 'search' | 'boost' | 'facets'} op
 * @property {string | null} how
 * @property {string | null} note
 * @property {number} n what it gave
 * @property {number} distances
 * @property {number} hops
 * @property {number} evaluated
 * @property {number} us
 */

/**
 * How a query ran.
 * @typedef {Estimate & { steps: PlanStep[], distances: number, fullDistances: number, hops: number, rounds: number,
 *   fellBack: boolean, returned: number, us: number }} Explanation distances computed, those of them between full vectors
 *   and not codes, nodes visited, searches, whether the first plan was given up, hits, microseconds
 */

/**
 * A language of dist/lang.bin.
 * @typedef {'danish' | 'dutch' | 'finnish' | 'french' | 'german' | 'italian' | 'norwegian' | 'portuguese' | 'russian' |
 *   'spanish' | 'swedish'} Language
 */

/**
 * What texts are taken apart into, and how they are scored. tokenizer, stemmer, stopwords and possessives are kept with
 * the store and stay as they are; the others may change when it is opened.
 * @typedef {object} TextOptions
 * @property {'standard' | 'simple' | 'whitespace' | 'letter' | 'keyword' | 'code' | 'ngram'} [tokenizer] words of any language (of scripts
 *   without spaces between words pairs of characters); split at spaces and punctuation; at spaces; runs of letters; the
 *   whole text; identifiers, whole and in their parts (getUserName, user_name); pieces of words, which find what they are
 *   within. 'standard'
 * @property {[least: number, most: number]} [ngram] characters of an `ngram` tokenizer's pieces, 1 to 16; [2, 3]
 * @property {'english' | Language} [language] its stemmer and stop words, for what stemmer and stopwords leave open
 * @property {'none' | 'porter' | 'english' | Language} [stemmer] `english` is Porter2, the others are Snowball's. 'english'
 * @property {'none' | 'lucene' | Language | readonly string[]} [stopwords] words that are not indexed; `lucene` are 33 of
 *   English, a language's are some hundred. 'lucene'
 * @property {URL | ArrayBuffer | ArrayBufferView} [languages] the package's dist/lang.bin (`vecstore/wasm/lang.bin`), which has
 *   the other languages and is loaded by the first text query that needs it; in edge isolates it must be given, elsewhere
 *   it is found. Not kept with the store
 * @property {boolean} [possessives] a trailing 's is left off; true with English's stemmers
 * @property {number} [k1] how much repetition counts; 1.2
 * @property {number} [b] how much length counts against a text, 0 to 1; 0.75
 * @property {Record<string, number>} [weights] of named texts; 1
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {object} TextQuery
 * @property {string | TextExpression} text
 * @property {'plain' | 'query'} [syntax] plain: words, of which any may match, and "quoted phrases", which must; query:
 *   +must -not, AND OR NOT, ( ), "phrase"~2, begin*, mispelt~, field:word, word^2. 'plain'
 * @property {string | readonly string[]} [fields] the named texts to look in; all
 * @property {number} [k] 10
 * @property {string | Filter<M>} [filter] only records that match
 * @property {FilterParams} [params] values for the $names of a filter as text
 * @property {number} [minScore]
 * @property {boolean} [highlight] each hit says where the words stand
 * @property {Part[]} [include] ['metadata']
 * @property {AbortSignal} [signal]
 */

/**
 * A text query as an object: one of and, or, not, term, phrase, prefix, fuzzy; a string is a term. A term that the
 * tokenizer takes apart is a phrase. fuzzy: distance 0 to 2, else by length; its first prefixLength letters are as they are.
 * @typedef {string | { and: TextExpression[], boost?: number } | { or: TextExpression[], boost?: number } |
 *   { not: TextExpression } | { term: string, field?: string, boost?: number } |
 *   { phrase: string | string[] | { terms: string | string[], slop?: number }, field?: string, boost?: number } |
 *   { prefix: string, field?: string, boost?: number } |
 *   { fuzzy: string | { term: string, distance?: number, prefixLength?: number }, field?: string, boost?: number }
 * } TextExpression
 */

/**
 * What a text may become: the whole, its last word, and how many records have that.
 * @typedef {{ text: string, word: string, records: number }} Completion
 */

/**
 * The text with each word that no record has replaced by its best suggestion, null where nothing is to correct; and
 * where those words are. distance: edits between the words' stems.
 * @typedef {object} Correction
 * @property {string | null} text
 * @property {{ word: string, start: number, end: number,
 *   suggestions: { word: string, records: number, distance: number }[] }[]} words
 */

/**
 * Where words stand, as places in the string: of a text that is a string [from, to) pairs, of named texts the pairs of
 * each that has some.
 * @typedef {[number, number][] | Record<string, [number, number][]>} Marks
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {object} TextHit
 * @property {Id} id
 * @property {number} score BM25
 * @property {M} [metadata]
 * @property {Float32Array} [vector]
 * @property {Text} [text]
 * @property {Marks} [highlights] with `highlight`
 */

/**
 * Two or three of text, vector and sparse vector; with an embedder text is enough.
 * @template {object} [M=Record<string, any>]
 * @typedef {Omit<TextQuery<M>, 'text'> & HybridOptions & { text?: string, vector?: VectorInput, sparse?: SparseVectorInput }} HybridQuery
 */

/**
 * @typedef {object} HybridOptions
 * @property {number} [ef]
 * @property {boolean} [exact]
 * @property {number | boolean | Rescoring} [rescore]
 * @property {'fast' | 'balanced' | 'high' | 'max'} [preset]
 * @property {'weighted' | 'rrf' | 'relative' | 'max' | 'min' | 'harmonic' | 'geometric'} [fusion] rrf: the sum of weight /
 *   (60 + rank). The others are of the sides' scores brought to 0..1, where a side that did not find a record gives 0:
 *   weighted and relative their weighted mean, max, min, harmonic and geometric the greatest, the least and the means
 *   of these names. 'weighted'
 * @property {'minmax' | 'zscore' | 'distribution'} [normalize] how scores are brought to 0..1, by the first 100 (or k) of a
 *   side: from the lowest to the highest; by a sigmoid of the distance from the mean in standard deviations; from three
 *   deviations below the mean to three above it. 'minmax'; for relative it is the share of the highest
 * @property {number} [alpha] what the vector weighs, 0 to 1; the other sides share what is left
 * @property {{ vector?: number, text?: number, sparse?: number }} [weights] instead of alpha; 1. With neither, weighted and
 *   relative take 0.2 for the vector and 0.8 for each other side, which suits a small embedder like the built-in one
 *   (with one that is better than words, give 0.5 and more), and rrf weighs all alike
 * @property {number} [rrfK] of rrf; 60
 * @property {number} [depth] how many each side fetches; absent: until the result cannot change
 * @property {number} [autocut] end where the so many-th clear drop of the score is: above twice the median drop and a
 *   hundredth of the best score
 * @property {boolean} [explain] each hit says why it is there
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {TextHit<M> & { parts: { vector: number | null, text: number | null, sparse?: number | null, fused?: number,
 *   maxsim?: number | null }, explanation?: HybridExplanation }} HybridHit
 *   score is the fused one, or that of MaxSim; parts are the sides' own, null where a side did not find the record
 */

/**
 * Where a record stands on one side, and what that brought it.
 * @typedef {{ rank: number, score: number, share: number }} HybridSide
 */

/**
 * @typedef {object} HybridExplanation
 * @property {number} rank
 * @property {NonNullable<HybridOptions['fusion']>} fusion
 * @property {HybridSide | null} vector null: not found there, as far down as was needed
 * @property {HybridSide | null} text
 * @property {HybridSide | null} [sparse]
 * @property {string} summary all of this for people
 */

/**
 * Members to set; undefined ones are removed.
 * @template {object} M
 * @typedef {{ [K in keyof M]?: M[K] | undefined }} Patch
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {object} ScanOptions
 * @property {string | Filter<M>} [filter]
 * @property {FilterParams} [params]
 * @property {number} [batchSize] records read in one go; 1,000
 * @property {string} [cursor] where another scan was
 * @property {Part[]} [include] everything by default
 * @property {AbortSignal} [signal]
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {AsyncGenerator<StoredRecord<M>, void, void> & { readonly cursor: string | null | undefined }} Scan
 */

/**
 * A hit of any of the searches: those by words have no distance.
 * @template {object} [M=Record<string, any>]
 * @typedef {Hit<M> | TextHit<M> | HybridHit<M>} StagedHit
 */

/**
 * Puts hits into a new order: gives a score for each, or some of them as they should come.
 * @template {object} [M=Record<string, any>]
 * @template {StagedHit<M>} [H=Hit<M>]
 * @typedef {(hits: H[], context: { signal: AbortSignal | undefined }) =>
 *   ArrayLike<number> | H[] | Promise<ArrayLike<number> | H[]>} Rerank
 */

/**
 * @template {object} [M=Record<string, any>]
 * @template {StagedHit<M>} [H=Hit<M>]
 * @typedef {{ search: Omit<Query<M>, 'facets'> } | { textSearch: TextQuery<M> } | { hybridSearch: HybridQuery<M> }
 *   | { filter: string | Filter<M>, params?: FilterParams }
 *   | { rerank: Rerank<M, H>, k?: number } | { mmr: { k?: number, lambda?: number } }
 *   | { maxsim: readonly VectorInput[], k?: number }
 *   | { VectorSearch: Omit<Query<M>, 'facets'> }
 *   | { HybridSearch: { vector: VectorInput, keywords: string, k?: number, alpha?: number, filter?: string | Filter<M> } }
 *   | { Filter: { expr: string | Filter<M> } }
 *   | { Rerank: { model: Rerank<M, H>, k?: number } } | { MMR: { k?: number, lambda?: number } }} PipelineStage
 */

/**
 * For whatever can take longer than 50 ms.
 * @typedef {object} OperationOptions
 * @property {AbortSignal} [signal] an aborted write changed nothing
 * @property {(share: number) => void} [onProgress] is told the share done, 0 to 1
 */

/**
 * @typedef {object} UpsertManyOptions
 * @property {number} [batchSize] records per atomic batch; 1,000
 * @property {(progress: { inserted: number, updated: number }) => void} [onProgress] is told after each batch
 * @property {AbortSignal} [signal] stops before the next batch
 */

/**
 * @template {object} [M=Record<string, any>]
 * @typedef {object} JsonlOptions
 * @property {string | Filter<M>} [filter]
 * @property {FilterParams} [params]
 * @property {'array' | 'base64' | 'none'} [vectors] as arrays of numbers, as base64 of little-endian 32-bit floats, or
 *   left out. 'array'
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} ReembedOptions
 * @property {number} [batchSize] texts per call of the embedder; 256
 * @property {'error' | 'keep'} [missing] records without text: an error, or they keep their vectors, which is possible
 *   only when the dimension stays. 'error'
 * @property {(progress: { done: number, total: number }) => void} [onProgress] is told after each batch how many of the
 *   records have their new vector
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} ReembedResult
 * @property {number} embedded texts embedded by this call
 * @property {number} kept records without text that keep their vectors
 * @property {number} resumed records that an earlier, interrupted call had done
 */

/**
 * @typedef {object} VerifyResult
 * @property {boolean} ok nothing is wrong, or with `repair`: no longer
 * @property {{ file: string, what: string }[]} errors
 * @property {boolean} repaired
 * @property {{ records: number, transactions: number, snapshots: string[] }} [lost] with `repair`: what could not be
 *   saved, as far as it can be known; transactions at least
 */

/**
 * @typedef {object} Snapshot
 * @property {string} name
 * @property {number} createdAt milliseconds since 1970
 * @property {number} count records it holds
 * @property {number} bytes of its files, most of which it shares with the store
 */

/**
 * @typedef {object} Stats
 * @property {number} count live records
 * @property {number | null} dimension null until the first insert
 * @property {Metric} metric
 * @property {{ type: string, M: number, efConstruction: number, efSearch: number, [key: string]: any }} index
 * @property {'none' | 'int8' | 'binary' | 'pq'} quantization what the index is walked on now
 * @property {{ name: string, dimension: number } | null} embedder what made the vectors; null while not known
 * @property {{ name: string, dimension: number, done: number } | null} reembedding an unfinished re-embedding
 * @property {{ field: string, kind: 'value' | 'range', bytes: number, [key: string]: any }[]} indexes of metadata
 *   fields
 * @property {{ ready: boolean, records: number, terms: number, bytes: number, built: number, read: number, added: number
 *   }} text the index of texts; the first text query builds it from the records' texts (`built` of them), or reads what
 *   a checkpoint saved of it (`read`) and adds what that lacks (`added`)
 * @property {'strict' | 'relaxed'} durability
 * @property {{ total: number, wasm: number, [part: string]: number }} memory bytes; total is WASM memory and
 *   what the storage keeps in memory
 * @property {{ kind: 'memory' | 'fs' | 'opfs' | 'idbfs' | 'idb' | 'host', persistent: boolean, path?: string,
 *   keepsData?: boolean | null, vanished?: boolean, tab?: 'leader' | 'follower', [key: string]: any }} storage
 *   `vanished`: a store of this name was here before and is gone, the browser has thrown it away; `keepsData`: the
 *   browser's answer to a request not to do that; `tab`: with multiTab, whether this tab has the store open
 * @property {{ simd: string, version: string }} engine
 * @property {string | null} lastError what went wrong in the background
 */

export {};
