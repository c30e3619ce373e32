/* format.h - every magic, version, offset and limit of the store's files.
 *
 * Layer: store. All integers little-endian. Every file opens with the same
 * prologue, which no later version may change, so that an old engine can
 * tell "newer" from "damaged":
 *
 *   offset  size  field
 *        0     8  magic, one per kind of file
 *        8     4  format version
 *       12     4  header bytes H, 20 .. VS_HEADER_MAX_BYTES, checksum included
 *      ...        fields of the kind
 *      H-4     4  CRC-32C of bytes 0 .. H-4
 *
 * LOG (wal-<n>), header 80 bytes after which come frames:
 *       16     8  number n
 *       24     8  predecessor's number, 0 = none
 *       32     8  where the predecessor's valid content ends
 *       40     8  the transaction the first frame belongs to
 *       48     8  known durable when created: log number (0 = nothing known) ...
 *       56     8  ... and bytes of it, everything before being durable too
 *       64     8  generation of a manifest known durable
 *       72     4  salt                                        (76: CRC)
 * FRAME, 28 bytes and the payload:
 *        0     4  payload bytes
 *        4     4  CRC-32C of {n u64, offset u64, payload bytes u32}, which
 *                 bind the frame to its place, then bytes 8 .. end of payload
 *        8     4  salt of the file
 *       12     4  bytes of this file known durable when the frame was made
 *       16     8  transaction
 *       24     1  kind: 0 COMMIT (payload: u32 number of frames), else the caller's
 *       25     1  flags: bit 0 = MARK (kind 0, part of no transaction; payload:
 *                 durable log u64, bytes u64, generation u64)
 *       26     2  0x5af7
 *
 * MANIFEST (manifest-<g>), header then body, nothing after it:
 *       16     8  body bytes
 *       24     4  CRC-32C of the body                         (28: CRC)
 *     body: generation u64, first log u64, its predecessor u64, last
 *     transaction u64, next segment u64, n_files u32, per file {kind u8,
 *     part u32, number u64, bytes u64, n_items u64, crc u32}, blob (varint
 *     length, bytes); where there are snapshots: n_snapshots u32, per snapshot
 *     {name (varint length, bytes), created ms u64, n_items u64, n_files u32,
 *     files and blob as above}
 *
 * BLOCK FILE (seg-<n>, idx-<g>-<i>), header, blocks, footer:
 *       16     4  kind
 *       20     4  part
 *       24     8  number                                      (32: CRC)
 *     block: payload bytes u32, CRC-32C of those four bytes and the payload, payload
 *     footer: "VSFT" u32, blocks u32, file bytes u64, CRC-32C of the file's
 *     header and all block headers u32, CRC-32C of the footer's first 20 bytes
 */
#ifndef VS_FORMAT_H
#define VS_FORMAT_H

#include "store.h"

#define VS_MAGIC_BYTES 8u
#define VS_WAL_MAGIC "VSwal\r\n\x1a"
#define VS_MANIFEST_MAGIC "VSman\r\n\x1a"
#define VS_BLOCK_FILE_MAGIC "VSblk\r\n\x1a"

#define VS_PROLOGUE_BYTES 16u
#define VS_HEADER_MAX_BYTES 4096u

#define VS_WAL_HEADER_BYTES 80u
#define VS_FRAME_HEADER_BYTES 28u
#define VS_FRAME_MARKER 0x5af7u
#define VS_FRAME_FLAG_MARK 1u
#define VS_COMMIT_PAYLOAD_BYTES 4u
#define VS_MARK_PAYLOAD_BYTES 24u
/* Longest payload of a frame; also bounds what a reader allocates for one. */
#define VS_FRAME_MAX_BYTES (256u << 20)
/* A log is never let grow beyond what a u32 durable mark can name. */
#define VS_WAL_ROTATE_MAX_BYTES (1ull << 30)

#define VS_MANIFEST_HEADER_BYTES 32u
#define VS_MANIFEST_MAX_BYTES (256u << 20)
#define VS_MANIFEST_REF_BYTES 33u
#define VS_SNAPSHOT_MIN_BYTES 23u

#define VS_BLOCK_FILE_HEADER_BYTES 36u
#define VS_BLOCK_HEADER_BYTES 8u
#define VS_BLOCK_FOOTER_BYTES 24u
#define VS_BLOCK_FOOTER_MARKER 0x54465356u

/* Writers gather this much before they append; readers ask for this much. */
#define VS_STORE_BUFFER_BYTES ((size_t)1 << 20)

/* Longest name the store makes, e.g. "idx-<20 digits>-<10 digits>". */
#define VS_STORE_NAME_BYTES 48u

/* What a name in the directory stands for. */
typedef enum { VS_NAME_OTHER, VS_NAME_WAL, VS_NAME_MANIFEST, VS_NAME_SEGMENT, VS_NAME_INDEX } vs_name_kind;
typedef struct {
  vs_name_kind kind;
  uint64_t number;
  uint32_t part; /* INDEX only */
} vs_name;

/* Total: any name that the store would not make is OTHER. */
vs_name vs_name_parse(const char *name);
/* "<prefix><number>" into out (VS_STORE_NAME_BYTES). */
void vs_name_format(vs_name name, char *out);

typedef enum { VS_HEADER_OK, VS_HEADER_DAMAGED, VS_HEADER_NEWER } vs_header_state;

/* Judges the n bytes at the start of a file by the prologue's rules. OK only
 * for version VS_STORE_FORMAT_VERSION with exactly header_bytes. */
vs_header_state vs_header_check(const uint8_t *p, size_t n, const char *magic, uint32_t header_bytes);
/* Fills in the prologue and, over the complete header, the checksum. */
void vs_header_begin(uint8_t *p, const char *magic, uint32_t header_bytes);
void vs_header_end(uint8_t *p, uint32_t header_bytes);

#endif
