/* A mutator that knows the file: half of the time it walks down the tables to one number and changes that, so
 * that what it makes is still well-formed. */
#include "core/flatbuffer.h"
#include "fuzz_target.h"
#include "gen/format.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static uint32_t mutator_next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Changes a little-endian number: by a little, to something special, or at random. */
static void change_number(uint8_t *at, size_t size, uint32_t *seed) {
    static const uint64_t special[] = {0,  1,   2,    3,    4,          8,          16,        63,
                                       64, 128, 0x7f, 0xff, 0x7fffffff, 0x80000000, UINT64_MAX};
    const uint32_t kind = mutator_next(seed) % 4;
    uint64_t value = 0;
    memcpy(&value, at, size);
    if (kind == 0) {
        value += (uint64_t)(mutator_next(seed) % 3) - 1;
    } else if (kind == 1) {
        value ^= (uint64_t)1 << mutator_next(seed) % (8 * size);
    } else if (kind == 2) {
        value = special[mutator_next(seed) % (sizeof special / sizeof special[0])];
    } else {
        value = mutator_next(seed) % 16;
    }
    memcpy(at, &value, size);
}

/* From a table to the one to go on with; null when a number was changed, or there was none. */
static smr_table step_down(uint8_t *data, smr_table table, int16_t *id, uint32_t *seed) {
    const smr_format_table *format = &smr_format_tables[*id];
    const uint32_t slot = format->field_count == 0 ? 0 : mutator_next(seed) % format->field_count;
    const smr_format_field *field = &format->fields[slot];
    const uint8_t *at = format->field_count == 0 ? NULL : smr_field(table, slot);
    if (at == NULL) {
        return NULL;
    }
    if (field->kind == SMR_FIELD_SCALAR || field->kind == SMR_FIELD_UNION_TYPE) {
        change_number(data + (at - data), field->size, seed);
        return NULL;
    }
    if (field->kind == SMR_FIELD_TABLE || field->kind == SMR_FIELD_UNION) {
        *id = field->kind == SMR_FIELD_TABLE ? field->table
                                             : smr_format_attributes[smr_field_u8(table, slot - 1, 0)];
        return *id < 0 ? NULL : smr_field_table(table, slot);
    }
    {
        const smr_vector vector = smr_field_vector(table, slot);
        const uint32_t index = vector.count == 0 ? 0 : mutator_next(seed) % vector.count;
        if (vector.count == 0 || field->kind == SMR_FIELD_STRING) {
            return NULL;
        }
        if (field->kind == SMR_FIELD_TABLES) {
            *id = field->table;
            return smr_vector_table(vector, index);
        }
        change_number(data + (vector.data - data) + (size_t)index * field->size, field->size, seed);
    }
    return NULL;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    uint32_t random = seed;
    uint32_t changes = 1 + mutator_next(&random) % 3;
    void *block;
    uint8_t *bytes;
    smr_table root;
    smr_bytes file;
    if (mutator_next(&random) % 2 == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    bytes = fuzz_copy(data, size, &block);
    file.data = bytes;
    file.size = size;
    if (smr_structure_verify(file, &root, NULL) != SMR_OK) {
        free(block);
        return LLVMFuzzerMutate(data, size, max_size);
    }
    for (; changes > 0; --changes) {
        smr_table table = root;
        int16_t id = SMR_TABLE_ROOT;
        while (table != NULL) {
            table = step_down(bytes, table, &id, &random);
        }
        /* A changed union member may have another table; from there the walk would be blind. */
        if (smr_structure_verify(file, &root, NULL) != SMR_OK) {
            break;
        }
    }
    memcpy(data, bytes, size);
    free(block);
    return size;
}
