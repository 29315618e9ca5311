/* Damaged files: every byte changed in several ways, and the file cut at every length. Each is refused with a
 * message, or loads and then runs; under the sanitizers that is the test. */
#include "check.h"

static int32_t loaded = 0, refused = 0;

static void run_all(const smr_model *model) {
    smr_context *context;
    smr_model_info info;
    smr_error error;
    int32_t i;
    if (smr_model_get_info(model, &info, &error) != SMR_OK || info.arena_bytes > 1 << 24 ||
        info.state_bytes > 1 << 24) {
        return;
    }
    CHECK_OK(smr_context_create(model, NULL, NULL, 0, &context, &error), error);
    if (context == NULL) {
        return;
    }
    for (i = 0; i < info.signature_count; ++i) {
        (void)smr_run(context, i, &error);
    }
    (void)smr_self_test(context, 0.0f, &error);
    smr_context_free(context);
}

static void try_bytes(const uint8_t *data, size_t size) {
    smr_model *model;
    smr_error error;
    const smr_status status = smr_model_load(data, size, NULL, &model, &error);
    if (status == SMR_OK) {
        ++loaded;
        run_all(model);
        smr_model_free(model);
    } else {
        ++refused;
        CHECK(status / 100 == 2 && error.status == status && error.message[0] != '\0' && model == NULL);
    }
}

/* The first bytes of a file, in a block that ends with them, so that a sanitizer sees the first byte too far.
 */
static void try_cut(const check_file *file, size_t size) {
    size_t shift = 0;
    uint8_t *block = malloc(size);
    if ((uintptr_t)block % 16 != 0) {
        free(block);
        block = malloc(size + 16);
        shift = (16 - (uintptr_t)block % 16) % 16;
    }
    memcpy(block + shift, file->data, size);
    try_bytes(block + shift, size);
    free(block);
}

static void test_file(const char *name) {
    static const uint8_t flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f, 0x0f};
    check_file file = check_read_data(name);
    size_t i, k;
    for (i = 0; i < file.size; ++i) {
        const uint8_t original = file.data[i];
        for (k = 0; k < sizeof flips; ++k) {
            file.data[i] = original ^ flips[k];
            try_bytes(file.data, file.size);
        }
        file.data[i] = 0;
        try_bytes(file.data, file.size);
        file.data[i] = original;
    }
    for (i = 1; i < file.size; ++i) {
        try_cut(&file, i);
    }
    free(file.block);
}

int main(void) {
    test_file("add_relu.smr");
    test_file("dynamic.smr");
    test_file("state.smr");
    test_file("control.smr");
    printf("%d loaded, %d refused\n", (int)loaded, (int)refused);
    CHECK(loaded > 0 && refused > 0);
    return check_result();
}
