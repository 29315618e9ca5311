/* Overlapping frames and Fourier transforms in plain C. */
#include <math.h>

#include "array.h"

#define FFT_TWO_PI         6.283185307179586476925286766559
#define FFT_LARGEST_FACTOR 61u
#define FFT_MOST_FACTORS   32
#define FFT_SMALL          64u

typedef struct fft_complex {
    float real, imaginary;
} fft_complex;

/* A point of the unit circle, in double because one is computed from the one before. */
typedef struct fft_angle {
    double real, imaginary;
} fft_angle;

/* Transforms of `size` complex numbers. A size that has a larger prime factor than fits has no factors, and
 * is summed directly. */
typedef struct fft_parameters {
    size_t size;
    size_t input;  /* floats of a row */
    size_t output; /* floats of a row */
    double turn;   /* of what is multiplied with: -1 forward, 1 back */
    float scale;
    int32_t count;
    uint8_t factors[FFT_MOST_FACTORS];
} fft_parameters;

static bool fft_factorize(fft_parameters *p) {
    static const uint8_t first[] = {4, 2, 3};
    size_t rest = p->size;
    uint32_t factor;
    size_t i;
    p->count = 0;
    for (i = 0; i < sizeof(first); ++i) {
        while (rest > 1 && rest % first[i] == 0) {
            p->factors[p->count++] = first[i];
            rest /= first[i];
        }
    }
    for (factor = 5; factor <= FFT_LARGEST_FACTOR; factor += 2) {
        while (rest > 1 && rest % factor == 0) {
            p->factors[p->count++] = (uint8_t)factor;
            rest /= factor;
        }
    }
    return rest <= 1;
}

static fft_angle fft_turned(double turns) {
    fft_angle angle;
    angle.real = cos(FFT_TWO_PI * turns);
    angle.imaginary = sin(FFT_TWO_PI * turns);
    return angle;
}

static fft_angle fft_times(fft_angle a, fft_angle b) {
    fft_angle product;
    product.real = a.real * b.real - a.imaginary * b.imaginary;
    product.imaginary = a.real * b.imaginary + a.imaginary * b.real;
    return product;
}

static fft_complex fft_rotated(fft_complex value, fft_complex by) {
    fft_complex product;
    product.real = value.real * by.real - value.imaginary * by.imaginary;
    product.imaginary = value.real * by.imaginary + value.imaginary * by.real;
    return product;
}

static fft_complex fft_narrow(fft_angle angle) {
    fft_complex narrow;
    narrow.real = (float)angle.real;
    narrow.imaginary = (float)angle.imaginary;
    return narrow;
}

/* Copies elements to the places with the same digits, of which the factors are the bases, the other way
 * round: the first factor tells most of the places of y, or of x when it is `back`. */
static void fft_reorder(const fft_parameters *p, const fft_complex *x, fft_complex *y, bool back) {
    size_t weights[FFT_MOST_FACTORS];
    uint8_t digits[FFT_MOST_FACTORS];
    size_t mirrored = 0, weight = 1, place;
    int32_t k;
    for (k = 0; k < p->count; ++k) {
        weights[k] = weight;
        weight *= p->factors[k];
        digits[k] = 0;
    }
    for (place = 0; place < p->size; ++place) {
        if (back) {
            y[mirrored] = x[place];
        } else {
            y[place] = x[mirrored];
        }
        for (k = p->count - 1; k >= 0; --k) {
            mirrored += weights[k];
            digits[k] = (uint8_t)(digits[k] + 1);
            if (digits[k] < p->factors[k]) {
                break;
            }
            digits[k] = 0;
            mirrored -= weights[k] * p->factors[k];
        }
    }
}

static void fft_twiddle(fft_complex *y, size_t apart, uint32_t radix, const fft_complex *twiddles) {
    uint32_t q;
    for (q = 1; q < radix; ++q) {
        y[q * apart] = fft_rotated(y[q * apart], twiddles[q]);
    }
}

/* Sums of `radix` elements that lie `apart`, each times a root of unity. */
static void fft_butterfly(fft_complex *y, size_t apart, uint32_t radix, const fft_complex *roots) {
    fft_complex t[FFT_LARGEST_FACTOR];
    uint32_t q, u;
    for (q = 0; q < radix; ++q) {
        t[q] = y[q * apart];
    }
    if (radix == 2) {
        y[0].real = t[0].real + t[1].real;
        y[0].imaginary = t[0].imaginary + t[1].imaginary;
        y[apart].real = t[0].real - t[1].real;
        y[apart].imaginary = t[0].imaginary - t[1].imaginary;
        return;
    }
    if (radix == 4) {
        const float turn = roots[1].imaginary;
        const fft_complex even = {t[0].real + t[2].real, t[0].imaginary + t[2].imaginary};
        const fft_complex odd = {t[1].real + t[3].real, t[1].imaginary + t[3].imaginary};
        const fft_complex evens = {t[0].real - t[2].real, t[0].imaginary - t[2].imaginary};
        const fft_complex odds = {(t[3].imaginary - t[1].imaginary) * turn, (t[1].real - t[3].real) * turn};
        y[0].real = even.real + odd.real;
        y[0].imaginary = even.imaginary + odd.imaginary;
        y[apart].real = evens.real + odds.real;
        y[apart].imaginary = evens.imaginary + odds.imaginary;
        y[2 * apart].real = even.real - odd.real;
        y[2 * apart].imaginary = even.imaginary - odd.imaginary;
        y[3 * apart].real = evens.real - odds.real;
        y[3 * apart].imaginary = evens.imaginary - odds.imaginary;
        return;
    }
    for (u = 0; u < radix; ++u) {
        fft_complex sum = t[0];
        for (q = 1; q < radix; ++q) {
            const fft_complex term = fft_rotated(t[q], roots[q * u % radix]);
            sum.real += term.real;
            sum.imaginary += term.imaginary;
        }
        y[u * apart] = sum;
    }
}

/* Joins transforms of `inner` elements to ones of `radix` times as many, or splits those (`back`). */
static void fft_stage(const fft_parameters *p, fft_complex *y, size_t inner, uint32_t radix, bool back) {
    const size_t outer = inner * radix;
    const fft_angle step = fft_turned(p->turn / (double)outer);
    fft_angle angle = {1, 0};
    fft_complex roots[FFT_LARGEST_FACTOR], twiddles[FFT_LARGEST_FACTOR];
    size_t place, block;
    uint32_t q;
    for (q = 0; q < radix; ++q) {
        roots[q] = fft_narrow(fft_turned(p->turn * q / radix));
    }
    if (radix == 4) {
        roots[1].imaginary = (float)p->turn;
    }
    for (place = 0; place < inner; ++place) {
        fft_angle power = angle;
        for (q = 1; q < radix; ++q) {
            twiddles[q] = fft_narrow(power);
            power = fft_times(power, angle);
        }
        for (block = 0; block < p->size; block += outer) {
            fft_complex *first = y + block + place;
            if (!back) {
                fft_twiddle(first, inner, radix, twiddles);
            }
            fft_butterfly(first, inner, radix, roots);
            if (back) {
                fft_twiddle(first, inner, radix, twiddles);
            }
        }
        angle = fft_times(angle, step);
    }
}

/* Large transforms decimate in time, in place. Small ones have room to decimate in frequency, as the
 * libraries do that models come from, so that what is rounded is the same. */
static void fft_fast(const fft_parameters *p, const fft_complex *x, fft_complex *y) {
    fft_complex mixed[FFT_SMALL];
    size_t inner = 1;
    int32_t k;
    if (p->size <= FFT_SMALL) {
        memcpy(mixed, x, p->size * sizeof(fft_complex));
        inner = p->size;
        for (k = 0; k < p->count; ++k) {
            inner /= p->factors[k];
            fft_stage(p, mixed, inner, p->factors[k], true);
        }
        fft_reorder(p, mixed, y, true);
        return;
    }
    fft_reorder(p, x, y, false);
    for (k = p->count - 1; k >= 0; --k) {
        fft_stage(p, y, inner, p->factors[k], false);
        inner *= p->factors[k];
    }
}

/* The sum of `count` numbers, each times a point of the unit circle that is `turns` after the one before. */
static fft_complex fft_sum(const float *x, size_t count, size_t stride, double turns) {
    const fft_angle step = fft_turned(turns);
    fft_angle angle = {1, 0}, sum = {0, 0};
    fft_complex narrow;
    size_t j;
    for (j = 0; j < count; ++j) {
        const double real = (double)x[j * stride];
        const double imaginary = stride == 1 ? 0.0 : (double)x[j * stride + 1];
        sum.real += real * angle.real - imaginary * angle.imaginary;
        sum.imaginary += real * angle.imaginary + imaginary * angle.real;
        angle = fft_times(angle, step);
    }
    narrow = fft_narrow(sum);
    return narrow;
}

static smr_status run_fft(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const fft_parameters *p = SMR_CONST_PARAMETERS(node, fft_parameters);
    size_t row, k;
    (void)error;
    for (row = begin; row < end; ++row) {
        const fft_complex *x = (const fft_complex *)node->inputs[0]->data + row * p->size;
        fft_complex *y = (fft_complex *)node->outputs[0]->data + row * p->size;
        if (p->count >= 0) {
            fft_fast(p, x, y);
        } else {
            for (k = 0; k < p->size; ++k) {
                y[k] = fft_sum(&x->real, p->size, 2, p->turn * (double)k / (double)p->size);
            }
        }
        for (k = 0; k < p->size && p->scale != 1.0f; ++k) {
            y[k].real *= p->scale;
            y[k].imaginary *= p->scale;
        }
    }
    return SMR_OK;
}

/* From the transform z of x[0] + x[1] i, x[2] + x[3] i, ...: the even and the odd elements have transforms
 * whose parts are mirrored, by which they are told apart. */
static void rfft_part(const fft_parameters *p, fft_complex *y) {
    const fft_angle step = fft_turned(-0.5 / (double)p->size);
    const fft_complex first = y[0];
    fft_angle angle = step;
    size_t k;
    y[0].real = first.real + first.imaginary;
    y[0].imaginary = 0;
    y[p->size].real = first.real - first.imaginary;
    y[p->size].imaginary = 0;
    for (k = 1; k <= p->size / 2; ++k) {
        const fft_complex left = y[k], right = y[p->size - k];
        const fft_complex even = {(left.real + right.real) * 0.5f, (left.imaginary - right.imaginary) * 0.5f};
        const fft_complex odd = {(left.imaginary + right.imaginary) * 0.5f, (right.real - left.real) * 0.5f};
        const fft_complex turned = fft_rotated(odd, fft_narrow(angle));
        y[p->size - k].real = even.real - turned.real;
        y[p->size - k].imaginary = turned.imaginary - even.imaginary;
        y[k].real = even.real + turned.real;
        y[k].imaginary = even.imaginary + turned.imaginary;
        angle = fft_times(angle, step);
    }
}

static smr_status run_rfft(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const fft_parameters *p = SMR_CONST_PARAMETERS(node, fft_parameters);
    size_t row, k;
    (void)error;
    for (row = begin; row < end; ++row) {
        const float *x = (const float *)node->inputs[0]->data + row * p->input;
        fft_complex *y = (fft_complex *)node->outputs[0]->data + row * p->output / 2;
        if (p->count >= 0) {
            fft_fast(p, (const fft_complex *)(const void *)x, y);
            rfft_part(p, y);
        } else {
            for (k = 0; k < p->output / 2; ++k) {
                y[k] = fft_sum(x, p->input, 1, p->input == 0 ? 0.0 : -(double)k / (double)p->input);
            }
        }
    }
    return SMR_OK;
}

static smr_status run_frame(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const size_t size = array_element_size(x);
    const size_t samples = (size_t)x->dims[x->rank - 1], frames = (size_t)y->dims[y->rank - 2];
    const size_t bytes = (size_t)y->dims[y->rank - 1] * size;
    const size_t step = (size_t)node->attributes.frame.frame_step;
    size_t item;
    (void)error;
    for (item = begin; item < end; ++item) {
        const size_t from = item / frames * samples + item % frames * step;
        memcpy((uint8_t *)y->data + item * bytes, (const uint8_t *)x->data + from * size, bytes);
    }
    return SMR_OK;
}

/* All axes of y but its last ones, those of x. */
static smr_status signal_check_rows(const smr_value *x, const smr_value *y, int32_t axes, smr_error *error) {
    int32_t i;
    for (i = 0; i < axes; ++i) {
        SMR_TRY(smr_array_check_dim(y, i, x->dims[i], error));
    }
    return SMR_OK;
}

smr_status smr_prepare_fft(smr_node *node, smr_error *error) {
    fft_parameters *p = SMR_PARAMETERS(node, fft_parameters);
    const smr_value *x = node->inputs[0];
    const bool inverse = node->attributes.fft.inverse;
    SMR_TRY(smr_array_check_same(node->outputs[0], x, error));
    if (x->rank < 2 || x->dims[x->rank - 1] != 2) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the last axis of the input is not of size 2");
    }
    p->size = (size_t)x->dims[x->rank - 2];
    p->turn = inverse ? 1.0 : -1.0;
    p->scale = inverse && p->size > 0 ? 1.0f / (float)p->size : 1.0f;
    if (!fft_factorize(p)) {
        p->count = -1;
    }
    node->work = x->count == 0 ? 0 : x->count / 2 / p->size;
    node->run = run_fft;
    return SMR_OK;
}

smr_status smr_prepare_rfft(smr_node *node, smr_error *error) {
    fft_parameters *p = SMR_PARAMETERS(node, fft_parameters);
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const int32_t last = x->rank - 1;
    if (x->rank < 1) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "the input has no axis");
    }
    SMR_TRY(smr_array_check_rank(y, (int64_t)x->rank + 1, error));
    SMR_TRY(signal_check_rows(x, y, last, error));
    SMR_TRY(smr_array_check_dim(y, last, (int64_t)x->dims[last] / 2 + 1, error));
    SMR_TRY(smr_array_check_dim(y, last + 1, 2, error));
    p->input = (size_t)x->dims[last];
    p->output = 2 * (p->input / 2 + 1);
    p->size = p->input / 2;
    p->turn = -1.0;
    p->scale = 1.0f;
    if (p->size == 0 || p->input % 2 != 0 || !fft_factorize(p)) {
        p->count = -1;
    }
    node->work = y->count / p->output;
    node->run = run_rfft;
    return SMR_OK;
}

smr_status smr_prepare_frame(smr_node *node, smr_error *error) {
    const smr_value *x = node->inputs[0], *y = node->outputs[0];
    const int64_t length = node->attributes.frame.frame_length, step = node->attributes.frame.frame_step;
    const int32_t last = x->rank - 1;
    int64_t room;
    if (x->rank < 1 || length < 1 || step < 1) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "frames of %lld, each %lld after the one before, of rank %d",
                 (long long)length, (long long)step, (int)x->rank);
    }
    room = (int64_t)x->dims[last] - length;
    SMR_TRY(smr_array_check_rank(y, (int64_t)x->rank + 1, error));
    SMR_TRY(signal_check_rows(x, y, last, error));
    SMR_TRY(smr_array_check_dim(y, last, room < 0 ? 0 : room / step + 1, error));
    SMR_TRY(smr_array_check_dim(y, last + 1, length, error));
    node->work = y->count / (size_t)length;
    node->run = run_frame;
    node->whole = true;
    return SMR_OK;
}
