/* Feeds a model one frame after the other, and goes on where the last call stopped:
 *
 *     stream MODEL.smr STATE.bin <FRAMES
 *
 * A frame is the raw bytes of the only input of the first signature. For each frame every output is printed,
 * with its true sizes: those that a run computes from its data are known after the run. STATE.bin keeps the
 * model's state from call to call; without it the state is the file's. */
#include <stdio.h>
#include <stdlib.h>

#include "samara.h"

static void print_output(const smr_tensor *tensor) {
    printf("%s [", tensor->name);
    for (int32_t i = 0; i < tensor->rank; ++i) {
        printf(i == 0 ? "%d" : " %d", (int)tensor->dims[i]);
    }
    printf("]:");
    for (size_t i = 0; i < tensor->bytes / smr_dtype_size(tensor->dtype); ++i) {
        switch (tensor->dtype) {
            case SMR_DTYPE_FLOAT32: printf(" %.9g", (double)((const float *)tensor->data)[i]); break;
            case SMR_DTYPE_INT64: printf(" %lld", (long long)((const int64_t *)tensor->data)[i]); break;
            case SMR_DTYPE_INT32: printf(" %ld", (long)((const int32_t *)tensor->data)[i]); break;
            default: printf(" ?"); break;
        }
    }
    printf("\n");
}

/* The state that a call before left, if there was one. */
static int load_state(smr_context *context, const char *path, void *state, size_t bytes, smr_error *error) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 1;
    }
    bytes = fread(state, 1, bytes, file);
    fclose(file);
    return smr_context_load_state(context, state, bytes, error) == SMR_OK;
}

static int save_state(smr_context *context, const char *path, void *state, size_t bytes, smr_error *error) {
    FILE *file = fopen(path, "wb");
    int saved = smr_context_save_state(context, state, bytes, error) == SMR_OK;
    if (file == NULL || fwrite(state, 1, bytes, file) != bytes) {
        snprintf(error->message, sizeof error->message, "%.200s: cannot be written", path);
        saved = 0;
    }
    return file != NULL && fclose(file) == 0 && saved;
}

static int run_frames(smr_context *context, smr_error *error) {
    smr_tensor input, output;
    int ready = smr_context_input(context, 0, 0, &input, error) == SMR_OK;
    /* A run may write over its input, so each frame is read into it anew. */
    while (ready && fread(input.data, 1, input.bytes, stdin) == input.bytes) {
        ready = smr_run(context, 0, error) == SMR_OK;
        for (int32_t i = 0; ready && smr_context_output(context, 0, i, &output, NULL) == SMR_OK; ++i) {
            print_output(&output);
        }
    }
    return ready;
}

int main(int argc, char **argv) {
    smr_error error = {SMR_OK, "usage: stream MODEL.smr STATE.bin <FRAMES"};
    smr_model *model = NULL;
    smr_context *context = NULL;
    smr_model_info info;
    void *state = NULL;
    int done = argc == 3 && smr_model_open(argv[1], NULL, &model, &error) == SMR_OK &&
               smr_model_get_info(model, &info, &error) == SMR_OK &&
               smr_context_create(model, NULL, NULL, 0, &context, &error) == SMR_OK;
    if (done) {
        state = malloc(info.state_bytes + 1);
        done = state != NULL && load_state(context, argv[2], state, info.state_bytes, &error) &&
               run_frames(context, &error) && save_state(context, argv[2], state, info.state_bytes, &error);
    }
    if (!done) {
        fprintf(stderr, "%s\n", error.message);
    }
    free(state);
    smr_context_free(context);
    smr_model_free(model);
    return done ? 0 : 1;
}
