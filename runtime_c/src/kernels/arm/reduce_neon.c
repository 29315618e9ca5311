/* Sums, means and extremes of float32 along axes with NEON. */
#include <math.h>

#include "../vector/reduce.h"
#include "neon.h"

#include "../vector/reduce.inc"
