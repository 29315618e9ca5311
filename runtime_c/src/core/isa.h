/* Instruction sets that kernels are written for beyond plain C. Their names are the ends of the kernels' file
 * names, which decide the compiler flags (cmake/isa_flags.cmake), and the second words of a kernels.inc. */
#ifndef SMR_ISA_H
#define SMR_ISA_H

#include <stdint.h>

/* A set of these is what a processor offers. Those of one architecture stand in the order of what they add.
 */
typedef enum smr_isa {
    SMR_ISA_generic = 0,
    SMR_ISA_avx2 = 1 << 0,
    SMR_ISA_avxvnni = 1 << 1,
    SMR_ISA_avx512 = 1 << 2,
    SMR_ISA_avx512vnni = 1 << 3,
    SMR_ISA_avx512vbmi = 1 << 4,
    SMR_ISA_amx = 1 << 5,
    SMR_ISA_neon = 1 << 8,
    SMR_ISA_neonfp16 = 1 << 9,
    SMR_ISA_neondot = 1 << 10,
    SMR_ISA_neoni8mm = 1 << 11,
    SMR_ISA_wasm = 1 << 16
} smr_isa;

/* The name of an instruction set, and which of those of this build it is; null past the last one. */
const char *smr_isa_at(uint32_t index, uint32_t *isa);

/* Of `offered`, those up to the one that is named; `offered` itself for null. UINT32_MAX for a name that is
 * not one of them; "generic" is always one. */
uint32_t smr_isa_limit(uint32_t offered, const char *name);

#endif
