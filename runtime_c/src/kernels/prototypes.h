/* Declares the functions that the kernels.inc of this build name. */
#ifndef SMR_PROTOTYPES_H
#define SMR_PROTOTYPES_H

#include "../core/kernel.h"

#define SMR_KERNEL(op, name, prepare) smr_status prepare(smr_node *node, smr_error *error);
#define SMR_KERNEL_IF(op, name, matches, prepare) \
    bool matches(const smr_node *node);           \
    smr_status prepare(smr_node *node, smr_error *error);

#include "generic/kernels.inc"
#include "isa_kernels.inc"

#undef SMR_KERNEL
#undef SMR_KERNEL_IF

#endif
