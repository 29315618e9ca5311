/* Vectors of one float32: templates that are written for the vectors of instruction sets, in plain C. */
#ifndef SMR_GENERIC_SCALAR_H
#define SMR_GENERIC_SCALAR_H

#define VECTOR                       float
#define VECTOR_LANES                 1
#define VECTOR_LOAD(from)            (*(from))
#define VECTOR_STORE(to, x)          (*(to) = (x))
#define VECTOR_ALL(x)                (x)
#define VECTOR_ADD(a, b)             ((a) + (b))
#define VECTOR_SUBTRACT(a, b)        ((a) - (b))
#define VECTOR_MULTIPLY(a, b)        ((a) * (b))
#define VECTOR_MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#define VECTOR_CLAMP(x, least, most)      \
    ((x) < (least)  ? (least)             \
     : (x) > (most) ? (most)              \
                    : (x)) /* a NaN stays \
                            */

#endif
