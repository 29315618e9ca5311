/* The op that is nothing but conversion. */
#include "halves.h"

#include "../prototypes.h"

typedef struct halves_cast {
    const smr_halves *halves;
} halves_cast;

bool smr_vector_takes_float16(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT16;
}

bool smr_vector_takes_cast(const smr_node *node) {
    const uint8_t from = node->inputs[0]->dtype, to = node->outputs[0]->dtype;
    return from != to && smr_is_float(from) && smr_is_float(to);
}

static smr_status halves_run_cast(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_halves *halves = SMR_CONST_PARAMETERS(node, halves_cast)->halves;
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    (void)error;
    if (x->dtype == SMR_DTYPE_FLOAT16) {
        halves->widen((const uint16_t *)x->data + begin, (float *)y->data + begin, end - begin);
    } else {
        halves->narrow((const float *)x->data + begin, (uint16_t *)y->data + begin, end - begin);
    }
    return SMR_OK;
}

smr_status smr_vector_prepare_cast(smr_node *node, const smr_halves *halves, smr_error *error) {
    SMR_TRY(smr_prepare_cast(node, error));
    SMR_PARAMETERS(node, halves_cast)->halves = halves;
    node->run = halves_run_cast;
    return SMR_OK;
}
