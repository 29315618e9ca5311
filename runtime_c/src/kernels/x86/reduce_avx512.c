/* Sums, means and extremes of float32 along axes with AVX-512. */
#include <math.h>

#include "../vector/reduce.h"
#include "avx512.h"

#include "../vector/reduce.inc"
