/* Cutting depthwise convolutions into lines. */
#include "depthwise.h"

#include <math.h>
#include <string.h>

#include "../prototypes.h"

/* The lines that a line of the output sees stay in a cache of the first level, of so many channels as fit. */
#define DEPTHWISE_CACHED (24 * 1024)
#define DEPTHWISE_LINES  16 /* in a work item */

typedef struct depthwise_parameters {
    smr_window window;
    smr_depthwise_function function;
    size_t channels;
    size_t block; /* channels of a work item; the last has those that are left too */
    size_t blocks;
    size_t strips; /* of lines, in an image */
    float least, most;
} depthwise_parameters;

/* What is the same for all lines. */
static void depthwise_begin(const depthwise_parameters *p, const smr_node *node, smr_depthwise_line *line) {
    const smr_window *window = &p->window;
    const smr_window_range first = smr_window_positions(window, 1, 0);
    const smr_window_range last = smr_window_positions(window, 1, window->taps[1] - 1);
    line->bias = node->inputs[2] == NULL ? NULL : node->inputs[2]->data;
    line->channels = p->channels;
    line->size = window->size[1];
    line->taps = window->taps[1];
    line->stride = window->strides[1];
    line->dilation = window->dilations[1];
    line->before = window->before[1];
    line->positions = window->positions[1];
    line->inside_begin = first.begin > last.begin ? first.begin : last.begin;
    line->inside_end = first.end < last.end ? first.end : last.end;
    line->least = p->least;
    line->most = p->most;
}

/* The rows of the input that line `y` of an image sees. */
static void depthwise_rows(const depthwise_parameters *p, const smr_node *node, size_t image, size_t y,
                           smr_depthwise_line *line) {
    const smr_window *window = &p->window;
    const smr_window_range rows = smr_window_taps(window, 0, (int64_t)y);
    const size_t line_numbers = (size_t)window->size[1] * p->channels;
    const float *x = (const float *)node->inputs[0]->data + image * (size_t)window->size[0] * line_numbers;
    const float *weights = node->inputs[1]->data;
    int32_t tap;
    line->row_count = 0;
    for (tap = rows.begin; tap < rows.end; ++tap) {
        line->rows[line->row_count] = x + (size_t)smr_window_at(window, 0, (int64_t)y, tap) * line_numbers;
        line->weights[line->row_count++] = weights + (size_t)tap * (size_t)window->taps[1] * p->channels;
    }
    line->output = (float *)node->outputs[0]->data +
                   (image * (size_t)window->positions[0] + y) * (size_t)window->positions[1] * p->channels;
}

/* A work item is a block of channels of a strip of lines. */
static smr_status run_depthwise(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const depthwise_parameters *p = SMR_CONST_PARAMETERS(node, depthwise_parameters);
    const size_t lines = (size_t)p->window.positions[0];
    smr_depthwise_line line;
    size_t item;
    (void)error;
    depthwise_begin(p, node, &line);
    for (item = begin; item < end; ++item) {
        const size_t block = item % p->blocks, strip = item / p->blocks;
        const size_t image = strip / p->strips, first = strip % p->strips * DEPTHWISE_LINES;
        size_t y;
        line.first_channel = block * p->block;
        line.end_channel = block + 1 == p->blocks ? p->channels : line.first_channel + p->block;
        for (y = first; y < lines && y < first + DEPTHWISE_LINES; ++y) {
            depthwise_rows(p, node, image, y, &line);
            p->function(&line);
        }
    }
    return SMR_OK;
}

smr_status smr_depthwise_prepare(smr_node *node, size_t lanes, smr_depthwise_function function,
                                 smr_error *error) {
    const smr_conv2d_parameters *generic = SMR_CONST_PARAMETERS(node, smr_conv2d_parameters);
    depthwise_parameters p;
    memset(&p, 0, sizeof p);
    SMR_TRY(smr_prepare_depthwise_conv2d(node, error));
    if (node->work == 0) {
        return SMR_OK;
    }
    p.window = generic->window;
    p.function = function;
    p.channels = generic->channels;
    p.least = generic->activation == SMR_ACTIVATION_NONE ? -INFINITY : 0.0f;
    p.most = generic->activation == SMR_ACTIVATION_RELU6 ? 6.0f : INFINITY;
    p.block = p.window.size[1] == 0 ? lanes
                                    : DEPTHWISE_CACHED / sizeof(float) / (size_t)p.window.taps[0] /
                                          (size_t)p.window.size[1] / lanes * lanes;
    p.block = p.block < lanes ? lanes : p.block;
    p.blocks = p.channels < p.block ? 1 : p.channels / p.block;
    p.strips = ((size_t)p.window.positions[0] + DEPTHWISE_LINES - 1) / DEPTHWISE_LINES;
    *SMR_PARAMETERS(node, depthwise_parameters) = p;
    node->work = (size_t)node->outputs[0]->dims[0] * p.strips * p.blocks;
    node->run = run_depthwise;
    return SMR_OK;
}
