/* The LSTM of TensorFlow Lite on integers with NEON. */
#include "quant_neon.h"

#include "../vector/quant_fixed_lstm.inc"
