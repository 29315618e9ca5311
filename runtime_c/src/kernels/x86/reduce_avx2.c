/* Sums, means and extremes of float32 along axes with AVX2 and FMA. */
#include <math.h>

#include "../vector/reduce.h"
#include "avx2.h"

#include "../vector/reduce.inc"
