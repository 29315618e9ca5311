/* Reading a FlatBuffers file whose structure has been verified, and verifying it.
 *
 * The accessors check nothing: they are for tables that smr_structure_verify has walked. An absent scalar is
 * its default, an absent vector or text is empty, an absent table is null.
 */
#ifndef SMR_FLATBUFFER_H
#define SMR_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "status.h"

/* Scalars lie in the file, little-endian, and are read where they lie. */
#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "Samara files are read in place, which needs a little-endian machine"
#endif
#endif

/* The bytes of a file. */
typedef struct smr_bytes {
    const uint8_t *data;
    size_t size;
} smr_bytes;

/* The first byte of a table; null for none. */
typedef const uint8_t *smr_table;

/* The first element of a vector. */
typedef struct smr_vector {
    const uint8_t *data;
    uint32_t count;
} smr_vector;

/* Checks everything that the accessors rely on, from the root down, by the tables of gen/format.h. `root` is
 * then the root table. The work is bounded by the size of the file. */
smr_status smr_structure_verify(smr_bytes file, smr_table *root, smr_error *error);

static inline uint16_t smr_read_u16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t smr_read_u32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline int32_t smr_read_i32(const uint8_t *at) {
    int32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t smr_read_u64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline float smr_read_f32(const uint8_t *at) {
    float value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Where a field of a table lies; null when it is absent. */
static inline const uint8_t *smr_field(smr_table table, uint32_t slot) {
    const uint8_t *vtable = table - smr_read_i32(table);
    const uint32_t entry = 4 + 2 * slot;
    const uint32_t offset = entry + 2 <= smr_read_u16(vtable) ? smr_read_u16(vtable + entry) : 0;
    return offset == 0 ? NULL : table + offset;
}

static inline uint8_t smr_field_u8(smr_table table, uint32_t slot, uint8_t absent) {
    const uint8_t *at = smr_field(table, slot);
    return at == NULL ? absent : *at;
}

static inline uint16_t smr_field_u16(smr_table table, uint32_t slot, uint16_t absent) {
    const uint8_t *at = smr_field(table, slot);
    return at == NULL ? absent : smr_read_u16(at);
}

static inline uint32_t smr_field_u32(smr_table table, uint32_t slot, uint32_t absent) {
    const uint8_t *at = smr_field(table, slot);
    return at == NULL ? absent : smr_read_u32(at);
}

static inline int32_t smr_field_i32(smr_table table, uint32_t slot, int32_t absent) {
    const uint8_t *at = smr_field(table, slot);
    return at == NULL ? absent : smr_read_i32(at);
}

static inline uint64_t smr_field_u64(smr_table table, uint32_t slot, uint64_t absent) {
    const uint8_t *at = smr_field(table, slot);
    return at == NULL ? absent : smr_read_u64(at);
}

static inline float smr_field_f32(smr_table table, uint32_t slot, float absent) {
    const uint8_t *at = smr_field(table, slot);
    return at == NULL ? absent : smr_read_f32(at);
}

static inline smr_table smr_field_table(smr_table table, uint32_t slot) {
    const uint8_t *at = smr_field(table, slot);
    return at == NULL ? NULL : at + smr_read_u32(at);
}

static inline smr_vector smr_field_vector(smr_table table, uint32_t slot) {
    static const uint8_t nothing[32] = {0}; /* as long as the content hash */
    const uint8_t *at = smr_field(table, slot);
    smr_vector vector = {nothing, 0};
    if (at != NULL) {
        at += smr_read_u32(at);
        vector.count = smr_read_u32(at);
        vector.data = at + 4;
    }
    return vector;
}

static inline const char *smr_field_string(smr_table table, uint32_t slot) {
    return (const char *)smr_field_vector(table, slot).data;
}

static inline int32_t smr_vector_i32(smr_vector vector, uint32_t index) {
    return smr_read_i32(vector.data + 4 * (size_t)index);
}

static inline float smr_vector_f32(smr_vector vector, uint32_t index) {
    return smr_read_f32(vector.data + 4 * (size_t)index);
}

static inline smr_table smr_vector_table(smr_vector vector, uint32_t index) {
    const uint8_t *at = vector.data + 4 * (size_t)index;
    return at + smr_read_u32(at);
}

#endif
