/* Runs a model and prints its outputs: run_model MODEL.smr [INPUT.bin]...
 *
 * Each file holds the raw bytes of one input of the first signature; an input without a file is zero. */
#include <stdio.h>
#include <string.h>

#include "samara.h"

static int read_input(const char *path, const smr_tensor *input) {
    FILE *file = fopen(path, "rb");
    const size_t count = file != NULL ? fread(input->data, 1, input->bytes, file) : 0;
    const int whole = file != NULL && count == input->bytes && fgetc(file) == EOF;
    if (file != NULL) {
        fclose(file);
    }
    return whole;
}

static double element(const smr_tensor *tensor, size_t i) {
    switch (tensor->dtype) {
        case SMR_DTYPE_FLOAT32: return (double)((const float *)tensor->data)[i];
        case SMR_DTYPE_INT32: return (double)((const int32_t *)tensor->data)[i];
        case SMR_DTYPE_INT8: return (double)((const int8_t *)tensor->data)[i];
        default: return (double)((const uint8_t *)tensor->data)[i * smr_dtype_size(tensor->dtype)];
    }
}

int main(int argc, char **argv) {
    smr_error error = {SMR_OK, "usage: run_model MODEL.smr [INPUT.bin]..."};
    smr_model *model = NULL;
    smr_context *context = NULL;
    smr_tensor tensor;
    int32_t i;
    int ready = argc > 1 && smr_model_open(argv[1], NULL, &model, &error) == SMR_OK &&
                smr_context_create(model, NULL, NULL, 0, &context, &error) == SMR_OK;
    for (i = 0; ready && smr_context_input(context, 0, i, &tensor, NULL) == SMR_OK; ++i) {
        memset(tensor.data, 0, tensor.bytes);
        if (i + 2 < argc && !read_input(argv[i + 2], &tensor)) {
            snprintf(error.message, sizeof error.message, "%.99s: %.99s needs %zu bytes", argv[i + 2],
                     tensor.name, tensor.bytes);
            ready = 0;
        }
    }
    ready = ready && smr_run(context, 0, &error) == SMR_OK;
    for (i = 0; ready && smr_context_output(context, 0, i, &tensor, NULL) == SMR_OK; ++i) {
        printf("%s:", tensor.name);
        for (size_t k = 0; k < tensor.bytes / smr_dtype_size(tensor.dtype); ++k) {
            printf(" %.9g", element(&tensor, k));
        }
        printf("\n");
    }
    if (!ready) {
        fprintf(stderr, "%s\n", error.message);
    }
    smr_context_free(context);
    smr_model_free(model);
    return ready ? 0 : 1;
}
