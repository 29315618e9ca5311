/* The LSTM of TensorFlow Lite on integers with AVX2. */
#include "quant_avx2.h"

#include "../vector/quant_fixed_lstm.inc"
