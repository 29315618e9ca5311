/* Choice between two operands: elements are moved, so only their size matters. */
#include <string.h>

#include "../prototypes.h"
#include "broadcast.h"

/* Bytes, because the elements may be of any type. */
#define WHERE_ROW(type)                                                                              \
    static void where_row_##type(const smr_node *node, const smr_broadcast_row *row, size_t count) { \
        const uint8_t *condition = (const uint8_t *)node->inputs[0]->data + row->offsets[0];         \
        const uint8_t *x = (const uint8_t *)node->inputs[1]->data + row->offsets[1] * sizeof(type);  \
        const uint8_t *y = (const uint8_t *)node->inputs[2]->data + row->offsets[2] * sizeof(type);  \
        uint8_t *z = (uint8_t *)node->outputs[0]->data + row->offsets[3] * sizeof(type);             \
        size_t i;                                                                                    \
        for (i = 0; i < count; ++i) {                                                                \
            type from_x, from_y;                                                                     \
            memcpy(&from_x, x + i * row->steps[1] * sizeof(type), sizeof(type));                     \
            memcpy(&from_y, y + i * row->steps[2] * sizeof(type), sizeof(type));                     \
            from_x = condition[i * row->steps[0]] != 0 ? from_x : from_y;                            \
            memcpy(z + i * sizeof(type), &from_x, sizeof(type));                                     \
        }                                                                                            \
    }

WHERE_ROW(uint8_t)
WHERE_ROW(uint16_t)
WHERE_ROW(uint32_t)
WHERE_ROW(uint64_t)

static smr_status where_run(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_broadcast *broadcast = SMR_CONST_PARAMETERS(node, smr_broadcast);
    const size_t size = smr_dtype_size((smr_dtype)node->outputs[0]->dtype);
    smr_broadcast_row row;
    (void)error;
    smr_broadcast_start(broadcast, begin, &row);
    while (begin < end) {
        const size_t count = end - begin < row.length ? end - begin : row.length;
        switch (size) {
            case 1: where_row_uint8_t(node, &row, count); break;
            case 2: where_row_uint16_t(node, &row, count); break;
            case 4: where_row_uint32_t(node, &row, count); break;
            default: where_row_uint64_t(node, &row, count); break;
        }
        begin += count;
        smr_broadcast_next(broadcast, &row);
    }
    return SMR_OK;
}

smr_status smr_prepare_where(smr_node *node, smr_error *error) {
    node->run = where_run;
    return smr_broadcast_prepare(node, SMR_PARAMETERS(node, smr_broadcast), error);
}
