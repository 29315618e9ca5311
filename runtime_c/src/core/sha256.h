/* SHA-256 (FIPS 180-4). */
#ifndef SMR_SHA256_H
#define SMR_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct smr_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} smr_sha256;

void smr_sha256_begin(smr_sha256 *hash);
void smr_sha256_add(smr_sha256 *hash, const void *data, size_t size);
void smr_sha256_end(smr_sha256 *hash, uint8_t digest[32]);

#endif
