/* The walk over windows; a work item is a line of the output. */
#include "pool.h"

typedef struct vector_pool_parameters {
    pool_parameters generic;
    smr_pool_function function;
} vector_pool_parameters;

bool smr_vector_takes_pool(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT32;
}

bool smr_vector_takes_half_pool(const smr_node *node) {
    return node->inputs[0]->dtype == SMR_DTYPE_FLOAT16;
}

static smr_status pool_run_lines(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const vector_pool_parameters *p = SMR_CONST_PARAMETERS(node, vector_pool_parameters);
    const smr_window *window = &p->generic.window;
    const size_t lines = (size_t)window->positions[0], y_row = smr_value_row(node->outputs[0]);
    const size_t width = (size_t)window->size[1], height = (size_t)window->size[0];
    const size_t number = node->inputs[0]->dtype == SMR_DTYPE_FLOAT16 ? 2 : 4; /* bytes */
    smr_pool_pixels pixels;
    (void)error;
    pixels.pixel = smr_value_row(node->inputs[0]);
    pixels.row = width * pixels.pixel;
    pixels.channels = p->generic.channels;
    for (; begin < end; ++begin) {
        const int64_t line = (int64_t)(begin % lines);
        const pool_range rows = pool_pixels(window, 0, line);
        const uint8_t *x =
            (const uint8_t *)node->inputs[0]->data + begin / lines * height * pixels.row * number;
        uint8_t *y =
            (uint8_t *)node->outputs[0]->data + begin * (size_t)window->positions[1] * y_row * number;
        int64_t position;
        pixels.rows = (size_t)(rows.end - rows.begin);
        for (position = 0; position < window->positions[1]; ++position, y += y_row * number) {
            const pool_range columns = pool_pixels(window, 1, position);
            pixels.x = x + ((size_t)rows.begin * pixels.row + (size_t)columns.begin * pixels.pixel) * number;
            pixels.columns = (size_t)(columns.end - columns.begin);
            pixels.divisor = pool_divisor(&p->generic, line, position);
            p->function(&pixels, y);
        }
    }
    return SMR_OK;
}

smr_status smr_vector_prepare_pool(smr_node *node, smr_prepare_function prepare, smr_pool_function function,
                                   smr_error *error) {
    vector_pool_parameters *p = SMR_PARAMETERS(node, vector_pool_parameters);
    SMR_TRY(prepare(node, error));
    p->function = function;
    node->work = node->work == 0 ? 0 : (size_t)node->outputs[0]->dims[0] * (size_t)node->outputs[0]->dims[1];
    node->run = pool_run_lines;
    return SMR_OK;
}
