/* Grey images in the PGM format (P2 and P5), and their reduction to the size that a model takes. */
#ifndef IMAGE_H
#define IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_MOST_PIXELS 16777216 /* 4096 x 4096 */

typedef struct grey_image {
    int width, height, maximum; /* pixels are 0..maximum */
    uint16_t *pixels;           /* rows from top to bottom; from malloc */
} grey_image;

/* Reads a file. Returns null, or what is wrong with it; then nothing is to be freed. */
const char *image_read(const char *path, grey_image *result);

void image_free(grey_image *image);

/* The image averaged over width x height boxes of equal size, as 0..1. The sums are integers, so the result
 * is the same on every machine. */
void image_reduce(const grey_image *image, int width, int height, float *result);

#endif
