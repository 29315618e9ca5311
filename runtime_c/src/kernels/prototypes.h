/* Declares the functions that the kernels.inc of this build name. */
#ifndef SMR_PROTOTYPES_H
#define SMR_PROTOTYPES_H

#include "../core/kernel.h"

#define SMR_KERNEL(op, name, prepare) smr_status prepare(smr_node *node, smr_error *error);
#define SMR_KERNEL_IF(op, name, matches, prepare) \
    bool matches(const smr_node *node);           \
    smr_status prepare(smr_node *node, smr_error *error);

#include "generic/kernels.inc"
#if defined(SMR_KERNELS_X86)
#include "x86/kernels.inc"
#elif defined(SMR_KERNELS_ARM)
#include "arm/kernels.inc"
#elif defined(SMR_KERNELS_WASM)
#include "wasm/kernels.inc"
#endif

#undef SMR_KERNEL
#undef SMR_KERNEL_IF

#endif
