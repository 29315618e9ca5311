/* What the processor offers, and the system lets programs use. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* for syscall */
#endif
#include "cpu.h"

#if defined(SMR_KERNELS_X86)

#if defined(__linux__) && defined(__x86_64__) && !defined(__ANDROID__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__has_include)
#if defined(__GLIBC__) && __has_include(<sys/platform/x86.h>)
#define CPU_ASKED /* by the C library, when the program began */
#endif
#endif

#if defined(CPU_ASKED)
#include <sys/platform/x86.h>
#elif defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

typedef struct cpu_leaf {
    uint32_t a, b, c, d;
} cpu_leaf;

/* The leaves that matter: leaf 1, and parts 0 and 1 of leaf 7. */
typedef struct cpu_leaves {
    cpu_leaf first;
    cpu_leaf more;
    cpu_leaf next;
} cpu_leaves;

/* In a virtual machine each question to the processor takes microseconds, as long as verifying several ops.
 */
#if defined(CPU_ASKED)
static cpu_leaf cpu_answer(unsigned leaf) {
    const unsigned *words = __x86_get_cpuid_feature_leaf(leaf)->cpuid_array;
    const cpu_leaf answer = {words[0], words[1], words[2], words[3]};
    return answer;
}

static void cpu_ask_all(cpu_leaves *leaves) {
    leaves->first = cpu_answer(CPUID_INDEX_1);
    leaves->more = cpu_answer(CPUID_INDEX_7);
    leaves->next = cpu_answer(CPUID_INDEX_7_ECX_1);
}
#else
static cpu_leaf cpu_ask(uint32_t number, uint32_t part) {
    cpu_leaf leaf;
#if defined(_MSC_VER)
    int found[4];
    __cpuidex(found, (int)number, (int)part);
    leaf.a = (uint32_t)found[0];
    leaf.b = (uint32_t)found[1];
    leaf.c = (uint32_t)found[2];
    leaf.d = (uint32_t)found[3];
#else
    __cpuid_count(number, part, leaf.a, leaf.b, leaf.c, leaf.d);
#endif
    return leaf;
}

static void cpu_ask_all(cpu_leaves *leaves) {
    const cpu_leaf none = {0, 0, 0, 0};
#if defined(_MSC_VER)
    const uint32_t most = cpu_ask(0, 0).a;
#else
    const uint32_t most = __get_cpuid_max(0, NULL);
#endif
    leaves->first = most >= 1 ? cpu_ask(1, 0) : none;
    leaves->more = most >= 7 ? cpu_ask(7, 0) : none;
    leaves->next = leaves->more.a >= 1 ? cpu_ask(7, 1) : none; /* `a` is the number of the last part */
}
#endif

/* The registers whose content the system keeps from one program to the next: XCR0. */
static uint32_t cpu_kept(void) {
#if defined(_MSC_VER)
    return (uint32_t)_xgetbv(0);
#else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}

static int cpu_has(uint32_t word, uint32_t bits) {
    return (word & bits) == bits;
}

/* Whether this program may use the tiles of AMX: Linux wants to be asked before their first use, which would
 * otherwise end the program (Documentation/arch/x86/xstate.rst). From then on it keeps them for all threads.
 * Asking again changes nothing. */
static int cpu_ask_for_tiles(void) {
#if defined(__linux__) && defined(__x86_64__) && !defined(__ANDROID__)
    return syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* XTILEDATA */) == 0;
#else
    return 0;
#endif
}

uint32_t smr_cpu_isas(const smr_cpu *cpu, int (*ask_for_tiles)(void)) {
    uint32_t isas = 0;
    if (!cpu_has(cpu->first_c, 1u << 27 | 1u << 28 | 1u << 12 | 1u << 29)) { /* OSXSAVE, AVX, FMA, F16C */
        return 0;
    }
    if (cpu_has(cpu->kept, 0x6) && cpu_has(cpu->more_b, 1u << 5)) {
        isas |= SMR_ISA_avx2;
        isas |= cpu_has(cpu->next_a, 1u << 4) ? SMR_ISA_avxvnni : 0;
    }
    if (isas != 0 && cpu_has(cpu->kept, 0xe6) &&
        cpu_has(cpu->more_b, 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31)) {
        isas |= SMR_ISA_avx512; /* F, DQ, BW, VL */
        isas |= cpu_has(cpu->more_c, 1u << 11) ? SMR_ISA_avx512vnni : 0;
        isas |= cpu_has(cpu->more_c, 1u << 11 | 1u << 1) ? SMR_ISA_avx512vbmi : 0;
    }
    if (cpu_has(isas, SMR_ISA_avx512vbmi) && cpu_has(cpu->kept, 3u << 17) &&
        cpu_has(cpu->more_d, 1u << 24 | 1u << 25) && ask_for_tiles()) { /* TILE, INT8 */
        isas |= SMR_ISA_amx;
    }
    return isas;
}

uint32_t smr_platform_isas(void) {
    cpu_leaves leaves;
    smr_cpu cpu;
    uint32_t isas;
    cpu_ask_all(&leaves);
    cpu.first_c = leaves.first.c;
    cpu.more_b = leaves.more.b;
    cpu.more_c = leaves.more.c;
    cpu.more_d = leaves.more.d;
    cpu.next_a = leaves.next.a;
    cpu.kept = cpu_has(leaves.first.c, 1u << 27) ? cpu_kept() : 0;
    isas = smr_cpu_isas(&cpu, cpu_ask_for_tiles);
#if defined(SMR_EMULATE)
    isas |= cpu_has(isas, SMR_ISA_avx2) ? SMR_ISA_avxvnni : 0;
    isas |= cpu_has(isas, SMR_ISA_avx512vnni) ? SMR_ISA_amx : 0;
#endif
    return isas;
}

#elif defined(SMR_KERNELS_ARM)

#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

#if defined(__APPLE__)
static int cpu_has(const char *name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 && value != 0;
}
#endif

/* Bits as in Linux's arch/arm64/include/uapi/asm/hwcap.h and arch/arm/include/uapi/asm/hwcap.h. */
uint32_t smr_platform_isas(void) {
    uint32_t isas = 0;
#if defined(__aarch64__) || defined(_M_ARM64)
    isas |= SMR_ISA_neon;
#if defined(__linux__)
    {
        const unsigned long first = getauxval(16 /* AT_HWCAP */), second = getauxval(26 /* AT_HWCAP2 */);
        isas |= (first >> 9 & first >> 10 & 1) != 0 ? SMR_ISA_neonfp16 : 0;
        isas |= (first >> 20 & 1) != 0 ? SMR_ISA_neondot : 0;
        isas |= (first >> 20 & second >> 13 & 1) != 0 ? SMR_ISA_neoni8mm : 0;
    }
#elif defined(__APPLE__)
    isas |= cpu_has("hw.optional.arm.FEAT_FP16") ? SMR_ISA_neonfp16 : 0;
    isas |= cpu_has("hw.optional.arm.FEAT_DotProd") ? SMR_ISA_neondot : 0;
    isas |= cpu_has("hw.optional.arm.FEAT_I8MM") ? SMR_ISA_neoni8mm : 0;
#elif defined(_WIN32)
    isas |= IsProcessorFeaturePresent(43 /* PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE */) ? SMR_ISA_neondot : 0;
#endif
#elif defined(__linux__)
    {
        const unsigned long first = getauxval(16 /* AT_HWCAP */);
        isas |= (first >> 12 & first >> 16 & 1) != 0 ? SMR_ISA_neon : 0; /* NEON, VFPv4 */
    }
#endif
    return isas;
}

#else

uint32_t smr_platform_isas(void) {
#if defined(SMR_KERNELS_WASM)
    return SMR_ISA_wasm; /* a module with its instructions loads only where they are */
#else
    return 0;
#endif
}

#endif
