/* Shares: spans have each work item once, and kernels of all instruction sets that cut an image give its
 * first half to the first half of the work, so that a thread reads what it has written. */
#if !defined(_WIN32)
#define _DEFAULT_SOURCE
#endif
#include "core/shares.h"
#include "random_nodes.h"

static void check_spans(void) {
    int i;
    for (i = 0; i < 1000; ++i) {
        const size_t items = (size_t)next_random(1, 7), shares = (size_t)next_random(1, 9);
        const size_t from = (size_t)next_random(0, (int32_t)(items * shares));
        const size_t end = from + (size_t)next_random(0, (int32_t)(items * shares - from));
        size_t begin = from, at = from;
        smr_span span;
        while (smr_next_span(&begin, end, items, &span)) {
            CHECK(span.first < span.last && span.begin < span.end && span.end <= items);
            CHECK(span.first * items + span.begin == at);
            CHECK(span.last == span.first + 1 || (span.begin == 0 && span.end == items));
            at = (span.last - 1) * items + span.end;
            CHECK(at == begin);
        }
        CHECK(at == end);
    }
}

static void check_sizes(void) {
    size_t lines, share;
    for (lines = 1; lines < 100; ++lines) {
        const uint32_t shares = smr_shares(lines);
        CHECK(shares <= lines && (shares & (shares - 1)) == 0);
        CHECK(lines == 1 || smr_share_begin(lines, shares / 2, shares) == lines / 2);
        for (share = 0; share < shares; ++share) {
            CHECK(smr_share_begin(lines, share, shares) < smr_share_begin(lines, share + 1, shares));
        }
    }
}

/* A convolution of square images, with as many outputs as channels, whose strides are 1. */
static uint16_t open_image(bench *b, uint8_t dtype, bool depthwise, int32_t lines, int32_t channels,
                           int32_t taps) {
    const bool integer = dtype == SMR_DTYPE_INT8;
    const int32_t image[] = {1, lines, lines, channels}, bias[] = {channels};
    const int32_t filter[] = {taps, taps, channels, depthwise ? 1 : channels};
    const size_t panels = (size_t)(channels + 15) / 16, rows = (size_t)(taps * taps * (channels + 3) / 4 * 4);
    const smr_ints2 ones = {2, {1, 1}};
    int i;
    memset(b, 0, sizeof *b);
    open_value(&b->values[0], dtype, 4, image, 0);
    open_value(&b->values[1], dtype, 4, filter, depthwise ? 0 : rows * panels * 16);
    open_value(&b->values[2], integer ? SMR_DTYPE_INT32 : dtype, 1, bias, 0);
    open_value(&b->values[4], dtype, 4, image, 0);
    if (!depthwise) {
        b->values[1].layout = integer ? SMR_LAYOUT_PANEL16X4 : SMR_LAYOUT_PANEL16;
        b->values[1].run = integer ? (uint32_t)(taps * channels) : 0;
    }
    if (integer) {
        open_value(&b->values[3], SMR_DTYPE_FLOAT32, 1, bias, 0);
        for (i = 0; i < channels; ++i) {
            ((float *)b->values[3].data)[i] = (float)next_random(1, 100) / 20000.0f;
        }
    }
    for (i = 0; i < 4; ++i) {
        b->inputs[i] = &b->values[i];
        b->values[i].storage = i == 0 ? SMR_STORAGE_ARENA : SMR_STORAGE_CONSTANT;
    }
    b->outputs[0] = &b->values[4];
    b->node.inputs = b->inputs;
    b->node.outputs = b->outputs;
    b->node.input_count = integer ? 4 : 3;
    b->node.output_count = 1;
#define SET_ALL(a)                            \
    do {                                      \
        (a)->strides = (a)->dilations = ones; \
        (a)->paddings.count = 4;              \
        (a)->padding = SMR_PADDING_SAME;      \
    } while (0)
#define SET_INTEGERS(a)                      \
    do {                                     \
        SET_ALL(a);                          \
        (a)->rounding = SMR_ROUNDING_NATIVE; \
        (a)->activation_min = -128;          \
        (a)->activation_max = 127;           \
    } while (0)
    if (integer && depthwise) {
        SET_INTEGERS(&b->node.attributes.quantized_depthwise_conv2d);
        return SMR_OP_QUANTIZED_DEPTHWISE_CONV2D;
    }
    if (integer) {
        SET_INTEGERS(&b->node.attributes.quantized_conv2d);
        b->node.attributes.quantized_conv2d.groups = 1;
        return SMR_OP_QUANTIZED_CONV2D;
    }
    if (depthwise) {
        SET_ALL(&b->node.attributes.depthwise_conv2d);
        return SMR_OP_DEPTHWISE_CONV2D;
    }
    SET_ALL(&b->node.attributes.conv2d);
    b->node.attributes.conv2d.groups = 1;
    return SMR_OP_CONV2D;
}

/* The pixels of the output that the first half of the work writes whole, which have to be the first ones.
 * What is not written stays what it was, whatever that is. */
static size_t count_first_half(bench *b, uint16_t opcode, uint32_t isas) {
    const size_t bytes = stored_bytes(&b->values[4]),
                 pixel = bytes / (size_t)b->values[4].dims[1] / (size_t)b->values[4].dims[2];
    uint8_t *output = b->values[4].data, *before = malloc(bytes);
    size_t written = 0, i;
    bool together = true;
    smr_error error;
    if (before == NULL) {
        exit(EXIT_FAILURE);
    }
    (void)run_with(b, opcode, isas);
    memset(output, 0x55, bytes);
    CHECK_OK(b->node.run(&b->node, 0, b->node.work / 2, &error), error);
    memcpy(before, output, bytes);
    memset(output, 0xaa, bytes);
    CHECK_OK(b->node.run(&b->node, 0, b->node.work / 2, &error), error);
    for (i = 0; i < bytes; ++i) {
        if (before[i] == output[i]) {
            together = together && i == written;
            written = i + 1;
        }
    }
    free(before);
    return together && written % pixel == 0 ? written / pixel : SIZE_MAX;
}

static void check_halves(uint8_t dtype, bool depthwise, int32_t lines, int32_t channels, int32_t taps) {
    const size_t line = (size_t)lines, half = line * line / 2;
    bench b;
    const uint16_t opcode = open_image(&b, dtype, depthwise, lines, channels, taps);
    const char *name;
    uint32_t index, isa;
    for (index = 1; (name = smr_isa_at(index, &isa)) != NULL; ++index) {
        const uint32_t allowed = smr_isa_limit(smr_platform_isas(), name);
        size_t pixels;
        if (allowed == UINT32_MAX) {
            continue;
        }
        pixels = count_first_half(&b, opcode, allowed);
        if (strcmp(b.node.kernel->name, "generic") != 0 &&
            !CHECK(pixels == half || pixels == line * (line / 2) || pixels == line * ((line + 1) / 2))) {
            fprintf(stderr, "    %s: %s, type %d, %d lines, %d channels, %d taps: %d pixels\n", name,
                    b.node.kernel->name, dtype, (int)lines, (int)channels, (int)taps, (int)pixels);
        }
    }
    close_bench(&b);
}

int main(void) {
    const uint8_t dtypes[] = {SMR_DTYPE_FLOAT32, SMR_DTYPE_INT8};
    const int32_t lines[] = {6, 7, 14}, channels[] = {96, 104};
    size_t i, j, k;
    check_spans();
    check_sizes();
    for (i = 0; i < 2; ++i) {
        for (j = 0; j < sizeof lines / sizeof *lines; ++j) {
            for (k = 0; k < sizeof channels / sizeof *channels; ++k) {
                check_halves(dtypes[i], true, lines[j], channels[k], 3);
                check_halves(dtypes[i], false, lines[j], channels[k], 1);
                check_halves(dtypes[i], false, lines[j], channels[k], 3);
            }
        }
    }
    return check_result();
}
