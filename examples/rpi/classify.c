/* Tells the digit on each of some images:
 *
 *     classify [--invert] [--raw OUTPUT.bin] MODEL.smr IMAGE.pgm...
 *
 * The model takes one grey image, [1, height, width, 1], with values from 0 (no ink) to 1, as floats or
 * quantized, and gives one score for each class. --invert is for dark ink on light paper. --raw also writes
 * the bytes of all outputs, one after the other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "samara.h"

#define MOST_INPUTS 65536

typedef struct classifier {
    smr_model *model;
    smr_context *context;
    smr_tensor input, output;
    float *values; /* one image, 0..1 */
} classifier;

static int fail(const char *what, const char *why) {
    fprintf(stderr, "classify: %s: %s\n", what, why);
    return 0;
}

/* A batch dimension that the file leaves open is set to one image. */
static smr_status one_image(const classifier *c, smr_error *error) {
    smr_dimension_info dimension;
    int32_t index = -1;
    smr_status status = smr_model_input_dimension(c->model, 0, 0, 0, &index, error);
    if (status == SMR_OK && index >= 0) {
        status = smr_model_dimension(c->model, index, &dimension, error);
        if (status == SMR_OK) {
            status = smr_context_set_dimension(c->context, dimension.name, 1, error);
        }
    }
    return status;
}

static int has_values(const smr_tensor *tensor) {
    const int byte = tensor->dtype == SMR_DTYPE_INT8 || tensor->dtype == SMR_DTYPE_UINT8;
    return tensor->bytes > 0 && (tensor->dtype == SMR_DTYPE_FLOAT32 || (byte && tensor->scale > 0.0f));
}

static int open_classifier(classifier *c, const char *path) {
    smr_error error;
    const smr_tensor *in = &c->input;
    if (smr_model_open(path, NULL, &c->model, &error) != SMR_OK ||
        smr_context_create(c->model, NULL, NULL, 0, &c->context, &error) != SMR_OK ||
        smr_context_input(c->context, 0, 0, &c->input, &error) != SMR_OK || one_image(c, &error) != SMR_OK ||
        smr_context_input(c->context, 0, 0, &c->input, &error) != SMR_OK ||
        smr_context_output(c->context, 0, 0, &c->output, &error) != SMR_OK) {
        return fail(path, error.message);
    }
    if (in->rank != 4 || in->dims[0] != 1 || in->dims[3] != 1 || in->bytes > MOST_INPUTS || !has_values(in) ||
        !has_values(&c->output)) {
        return fail(path, "the model does not classify single grey images");
    }
    c->values = malloc((size_t)in->dims[1] * (size_t)in->dims[2] * sizeof *c->values);
    return c->values != NULL || fail(path, "out of memory");
}

static void close_classifier(classifier *c) {
    free(c->values);
    smr_context_free(c->context);
    smr_model_free(c->model);
}

/* The nearest integer that stands for a value, ties to even, as the quantize op rounds. */
static float quantize(const smr_tensor *tensor, float value, float low, float high) {
    const float q = rintf(value / tensor->scale) + (float)tensor->zero_point;
    return q < low ? low : q > high ? high : q;
}

static void write_input(const smr_tensor *tensor, const float *values) {
    const size_t count = tensor->bytes / smr_dtype_size(tensor->dtype);
    size_t i;
    for (i = 0; i < count; ++i) {
        switch (tensor->dtype) {
            case SMR_DTYPE_INT8:
                ((int8_t *)tensor->data)[i] = (int8_t)quantize(tensor, values[i], -128, 127);
                break;
            case SMR_DTYPE_UINT8:
                ((uint8_t *)tensor->data)[i] = (uint8_t)quantize(tensor, values[i], 0, 255);
                break;
            default: ((float *)tensor->data)[i] = values[i]; break;
        }
    }
}

static float score(const smr_tensor *tensor, size_t i) {
    switch (tensor->dtype) {
        case SMR_DTYPE_INT8:
            return tensor->scale * (float)(((const int8_t *)tensor->data)[i] - tensor->zero_point);
        case SMR_DTYPE_UINT8:
            return tensor->scale * (float)(((const uint8_t *)tensor->data)[i] - tensor->zero_point);
        default: return ((const float *)tensor->data)[i];
    }
}

static int classify(const classifier *c, const char *path, int invert, FILE *raw) {
    const size_t pixels = (size_t)c->input.dims[1] * (size_t)c->input.dims[2];
    const size_t classes = c->output.bytes / smr_dtype_size(c->output.dtype);
    const char *problem;
    smr_error error;
    grey_image image;
    size_t i, best = 0;
    problem = image_read(path, &image);
    if (problem != NULL) {
        return fail(path, problem);
    }
    image_reduce(&image, c->input.dims[2], c->input.dims[1], c->values);
    image_free(&image);
    for (i = 0; invert && i < pixels; ++i) {
        c->values[i] = 1.0f - c->values[i];
    }
    write_input(&c->input, c->values);
    if (smr_run(c->context, 0, &error) != SMR_OK) {
        return fail(path, error.message);
    }
    for (i = 1; i < classes; ++i) {
        if (score(&c->output, i) > score(&c->output, best)) {
            best = i;
        }
    }
    printf("%s: %zu (%.3f)\n", path, best, (double)score(&c->output, best));
    if (raw != NULL && fwrite(c->output.data, 1, c->output.bytes, raw) != c->output.bytes) {
        return fail("--raw", "the file cannot be written");
    }
    return 1;
}

int main(int argc, char **argv) {
    classifier c = {0};
    FILE *raw = NULL;
    int invert = 0, next = 1, right = 1;
    for (; next < argc && argv[next][0] == '-'; ++next) {
        if (strcmp(argv[next], "--invert") == 0) {
            invert = 1;
        } else if (strcmp(argv[next], "--raw") == 0 && next + 1 < argc && raw == NULL) {
            raw = fopen(argv[++next], "wb");
            if (raw == NULL) {
                return fail(argv[next], "cannot be written") + 1;
            }
        } else {
            next = argc;
        }
    }
    if (argc - next < 2) {
        fprintf(stderr, "usage: classify [--invert] [--raw OUTPUT.bin] MODEL.smr IMAGE.pgm...\n");
        return 2;
    }
    right = open_classifier(&c, argv[next]);
    while (right && ++next < argc) {
        right = classify(&c, argv[next], invert, raw);
    }
    close_classifier(&c);
    if (raw != NULL && fclose(raw) != 0) {
        right = fail("--raw", "the file cannot be written");
    }
    return right ? 0 : 1;
}
