/* crc32c.h - CRC-32C (Castagnoli), the only checksum on storage.
 *
 * Layer: base. Reflected polynomial 0x82f63b78, initial value and final XOR
 * 0xffffffff (RFC 3720 B.4). Incremental: vs_crc32c(vs_crc32c(0, a), b) is the
 * checksum of a followed by b. Tables are compile-time constants (no mutable
 * state); built for throughput on large blocks, because opening a store is
 * bound by it.
 */
#ifndef VS_CRC32C_H
#define VS_CRC32C_H

#include "vs_base.h"

uint32_t vs_crc32c(uint32_t crc, const void *p, size_t n);

#endif
