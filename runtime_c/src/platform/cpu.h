/* What is known of a processor, and what follows from it. */
#ifndef SMR_CPU_H
#define SMR_CPU_H

#include "../core/isa.h"
#include "platform.h"

#if defined(SMR_KERNELS_X86)

/* What the instruction cpuid says, and XCR0: the registers whose content the system keeps from one program to
 * the next. Bits as in Intel's Software Developer's Manual, volume 2A, CPUID, and volume 1, 13.3. */
typedef struct smr_cpu {
    uint32_t first_c;                /* leaf 1, register ECX */
    uint32_t more_b, more_c, more_d; /* leaf 7 */
    uint32_t next_a;                 /* leaf 7, 1 */
    uint32_t kept;
} smr_cpu;

/* The instruction sets of such a processor. The system is asked for the tiles of AMX where the processor has
 * them, and without its leave they are none of them. */
uint32_t smr_cpu_isas(const smr_cpu *cpu, int (*ask_for_tiles)(void));

#endif

#endif
