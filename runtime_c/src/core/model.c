/* Making and freeing models. */
#include "model.h"

#include "../gen/format.h"
#include "../platform/platform.h"
#include "isa.h"
#include "sha256.h"
#include "verify.h"

_Static_assert(sizeof(struct smr_model) <= SMR_MODEL_BYTES, "SMR_MODEL_BYTES is too small");

static void *allocate_by_default(void *user, size_t bytes, size_t alignment) {
    (void)user;
    return smr_platform_allocate(bytes, alignment);
}

static void release_by_default(void *user, void *memory) {
    (void)user;
    smr_platform_release(memory);
}

smr_allocator smr_allocator_or_default(const smr_allocator *allocator) {
    const smr_allocator standard = {NULL, allocate_by_default, release_by_default};
    return allocator == NULL ? standard : *allocator;
}

smr_status smr_allocator_check(const smr_allocator *allocator, smr_error *error) {
    if (allocator != NULL && (allocator->allocate == NULL || allocator->release == NULL)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "the allocator lacks a function");
    }
    return SMR_OK;
}

bool smr_model_limit(const smr_model *model, const char *name, uint32_t *isas) {
    const uint32_t limited = smr_isa_limit(model->offered, name);
    *isas = limited & model->isas;
    return limited != UINT32_MAX;
}

smr_table smr_model_program_of(const smr_model *model, uint32_t signature) {
    const smr_table table = smr_vector_table(model->signatures, signature);
    return smr_vector_table(model->programs, smr_field_u32(table, SMR_SLOT_SIGNATURE_PROGRAM, 0));
}

uint32_t smr_endpoint_tensor(smr_vector endpoints, uint32_t index) {
    return smr_field_u32(smr_vector_table(endpoints, index), SMR_SLOT_ENDPOINT_TENSOR, 0);
}

smr_vector smr_model_constant(const smr_model *model, uint32_t index) {
    return smr_field_vector(smr_vector_table(model->constants, index), SMR_SLOT_CONSTANT_DATA);
}

static smr_status read_model(smr_model *model, const void *data, size_t size, smr_error *error) {
    memset(model, 0, sizeof *model);
    model->file.data = data;
    model->file.size = size;
    SMR_TRY(smr_structure_verify(model->file, &model->root, error));
    model->offered = smr_platform_isas();
    model->isas = model->offered;
    if (smr_field_u8(model->root, SMR_SLOT_MODEL_FLOAT16_SUMS, 0) == 0) {
        model->isas &= ~(uint32_t)SMR_ISA_neonfp16;
    }
    model->dimensions = smr_field_vector(model->root, SMR_SLOT_MODEL_DIMENSIONS);
    model->expressions = smr_field_vector(model->root, SMR_SLOT_MODEL_EXPRESSIONS);
    model->constants = smr_field_vector(model->root, SMR_SLOT_MODEL_CONSTANTS);
    model->states = smr_field_vector(model->root, SMR_SLOT_MODEL_STATES);
    model->programs = smr_field_vector(model->root, SMR_SLOT_MODEL_PROGRAMS);
    model->signatures = smr_field_vector(model->root, SMR_SLOT_MODEL_SIGNATURES);
    return smr_model_verify(model, error);
}

smr_status smr_model_create(const void *data, size_t size, void *memory, size_t memory_size,
                            smr_model **model, smr_error *error) {
    if (model == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model` is null");
    }
    *model = NULL;
    if (data == NULL || memory == NULL || (uintptr_t)data % 16 != 0 || (uintptr_t)memory % 16 != 0) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT,
                 "the file's bytes or the memory are null, or not 16-byte aligned");
    }
    if (memory_size < sizeof(smr_model)) {
        SMR_FAIL(error, SMR_ERROR_MEMORY, "%zu bytes of memory for a model instead of %zu", memory_size,
                 sizeof(smr_model));
    }
    SMR_TRY(read_model(memory, data, size, error));
    *model = memory;
    return SMR_OK;
}

smr_status smr_model_load(const void *data, size_t size, const smr_allocator *allocator, smr_model **model,
                          smr_error *error) {
    smr_allocator source;
    smr_status status;
    void *memory;
    if (model == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model` is null");
    }
    *model = NULL;
    SMR_TRY(smr_allocator_check(allocator, error));
    source = smr_allocator_or_default(allocator);
    memory = source.allocate(source.user, sizeof(smr_model), 16);
    if (memory == NULL) {
        SMR_FAIL(error, SMR_ERROR_MEMORY, "no memory for the %zu bytes of a model", sizeof(smr_model));
    }
    status = smr_model_create(data, size, memory, sizeof(smr_model), model, error);
    if (status != SMR_OK) {
        source.release(source.user, memory);
        return status;
    }
    (*model)->allocator = source;
    (*model)->owned = 1;
    return SMR_OK;
}

smr_status smr_model_open(const char *path, const smr_allocator *allocator, smr_model **model,
                          smr_error *error) {
    smr_platform_file file;
    smr_status status;
    if (path == NULL || model == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`path` or `model` is null");
    }
    *model = NULL;
    SMR_TRY(smr_allocator_check(allocator, error));
    SMR_TRY(smr_platform_map(path, &file, error));
    status = smr_model_load(file.data, file.size, allocator, model, error);
    if (status != SMR_OK) {
        smr_platform_unmap(&file);
        return status;
    }
    (*model)->mapped = 1;
    return SMR_OK;
}

void smr_model_free(smr_model *model) {
    if (model == NULL) {
        return;
    }
    if (model->mapped) {
        const smr_platform_file file = {model->file.data, model->file.size};
        smr_platform_unmap(&file);
    }
    if (model->owned) {
        const smr_allocator source = model->allocator;
        source.release(source.user, model);
    }
}

smr_status smr_model_check_hash(const smr_model *model, smr_error *error) {
    static const uint8_t zeros[32] = {0};
    smr_sha256 hash;
    uint8_t digest[32];
    const uint8_t *stored;
    if (model == NULL) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "`model` is null");
    }
    stored = smr_field_vector(model->root, SMR_SLOT_MODEL_CONTENT_HASH).data;
    smr_sha256_begin(&hash);
    smr_sha256_add(&hash, model->file.data, (size_t)(stored - model->file.data));
    smr_sha256_add(&hash, zeros, sizeof zeros);
    smr_sha256_add(&hash, stored + 32, model->file.size - (size_t)(stored + 32 - model->file.data));
    smr_sha256_end(&hash, digest);
    if (memcmp(digest, stored, sizeof digest) != 0) {
        SMR_FAIL(error, SMR_ERROR_HASH,
                 "the content's hash begins %02x%02x%02x%02x and the stored one %02x%02x%02x%02x", digest[0],
                 digest[1], digest[2], digest[3], stored[0], stored[1], stored[2], stored[3]);
    }
    return SMR_OK;
}
