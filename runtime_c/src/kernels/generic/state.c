/* assign: writes a state, and hands the value on. */
#include <string.h>

#include "../prototypes.h"

/* Work items are bytes. The value may be the state itself, and the output may lie on either of them. */
static smr_status run_assign(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    uint8_t *state = node->inputs[0]->data;
    const uint8_t *value = node->inputs[1]->data;
    uint8_t *written = node->outputs[0]->data;
    (void)error;
    if (written != value && written != state) {
        memcpy(written + begin, value + begin, end - begin);
    }
    if (state != value) {
        memcpy(state + begin, value + begin, end - begin);
    }
    return SMR_OK;
}

smr_status smr_prepare_assign(smr_node *node, smr_error *error) {
    const smr_value *state = node->inputs[0];
    int32_t i, k;
    if (state->storage != SMR_STORAGE_STATE) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "what is written is not a state");
    }
    for (k = 0; k < 2; ++k) {
        const smr_value *other = k == 0 ? node->inputs[1] : node->outputs[0];
        if (other->rank != state->rank) {
            SMR_FAIL(error, SMR_ERROR_MODEL, "a state of rank %d and a value of rank %d", (int)state->rank,
                     (int)other->rank);
        }
        for (i = 0; i < state->rank; ++i) {
            if (other->dims[i] != state->dims[i]) {
                SMR_FAIL(error, SMR_ERROR_MODEL, "dimension %d of the value is %d instead of %d", (int)i,
                         (int)other->dims[i], (int)state->dims[i]);
            }
        }
    }
    node->run = run_assign;
    node->work = state->count * smr_dtype_size((smr_dtype)state->dtype);
    return SMR_OK;
}
