#include "image.h"

#include <stdio.h>
#include <stdlib.h>

/* The next character, a comment read as the end of its line. */
static int next_character(FILE *file) {
    int c = fgetc(file);
    if (c == '#') {
        while (c != '\n' && c != '\r' && c != EOF) {
            c = fgetc(file);
        }
    }
    return c;
}

static int is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next number and one character after it; -1 when there is none, or it is above `most`. */
static long next_number(FILE *file, long most) {
    long value = 0;
    int c = next_character(file);
    while (is_space(c)) {
        c = next_character(file);
    }
    if (c < '0' || c > '9') {
        return -1;
    }
    for (; c >= '0' && c <= '9'; c = next_character(file)) {
        value = 10 * value + (c - '0');
        if (value > most) {
            return -1;
        }
    }
    return c == EOF || is_space(c) ? value : -1;
}

static long next_sample(FILE *file, int plain, int maximum) {
    int high, low;
    if (plain) {
        return next_number(file, maximum);
    }
    high = maximum > 255 ? fgetc(file) : 0;
    low = fgetc(file);
    return high == EOF || low == EOF || 256 * high + low > maximum ? -1 : 256L * high + low;
}

static const char *read_pixels(FILE *file, grey_image *result) {
    const int p = fgetc(file), kind = fgetc(file);
    size_t i, count;
    if (p != 'P' || (kind != '2' && kind != '5')) {
        return "not a grey PGM file (P2 or P5)";
    }
    result->width = (int)next_number(file, IMAGE_MOST_PIXELS);
    result->height = (int)next_number(file, IMAGE_MOST_PIXELS);
    result->maximum = (int)next_number(file, 65535);
    if (result->width <= 0 || result->height <= 0 || result->maximum <= 0 ||
        result->width > IMAGE_MOST_PIXELS / result->height) {
        return "width, height or largest value is out of range";
    }
    count = (size_t)result->width * (size_t)result->height;
    result->pixels = malloc(count * sizeof *result->pixels);
    if (result->pixels == NULL) {
        return "too large for the memory";
    }
    for (i = 0; i < count; ++i) {
        const long value = next_sample(file, kind == '2', result->maximum);
        if (value < 0) {
            return "a pixel is missing or above the largest value";
        }
        result->pixels[i] = (uint16_t)value;
    }
    return NULL;
}

const char *image_read(const char *path, grey_image *result) {
    FILE *file = fopen(path, "rb");
    const char *problem;
    result->pixels = NULL;
    if (file == NULL) {
        return "cannot be opened";
    }
    problem = read_pixels(file, result);
    fclose(file);
    if (problem != NULL) {
        image_free(result);
    }
    return problem;
}

void image_free(grey_image *image) {
    free(image->pixels);
    image->pixels = NULL;
}

/* How much of pixel i lies in box b, when `size` pixels are shared out to `boxes`; a pixel is `boxes` long, a
 * box `size`. */
static int64_t overlap(int64_t i, int64_t b, int64_t size, int64_t boxes) {
    const int64_t low = i * boxes > b * size ? i * boxes : b * size;
    const int64_t high = (i + 1) * boxes < (b + 1) * size ? (i + 1) * boxes : (b + 1) * size;
    return high - low;
}

static int64_t box_sum(const grey_image *image, int x, int y, int width, int height) {
    const int64_t left = (int64_t)x * image->width / width, top = (int64_t)y * image->height / height;
    int64_t sum = 0, i, j;
    for (j = top; j * height < (int64_t)(y + 1) * image->height; ++j) {
        const int64_t rows = overlap(j, y, image->height, height);
        for (i = left; i * width < (int64_t)(x + 1) * image->width; ++i) {
            sum += rows * overlap(i, x, image->width, width) * image->pixels[j * image->width + i];
        }
    }
    return sum;
}

void image_reduce(const grey_image *image, int width, int height, float *result) {
    /* A box has this area in the units of `overlap`. Below 2^53, so that both numbers are exact as doubles.
     */
    const double whole = (double)image->width * (double)image->height * (double)image->maximum;
    int x, y;
    for (y = 0; y < height; ++y) {
        for (x = 0; x < width; ++x) {
            *result++ = (float)((double)box_sum(image, x, y, width, height) / whole);
        }
    }
}
