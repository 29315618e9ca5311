/* The LSTM of TensorFlow Lite on integers with SIMD128. */
#include "quant_wasm.h"

#include "../vector/quant_fixed_lstm.inc"
