/* The floating-point environment of the processor. Where there is none to set (WebAssembly, software floats,
 * other processors) nothing happens: there C's default environment is relied upon. */
#include "platform.h"

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>

/* All exceptions masked, to nearest, flush to zero (bit 15), denormals are zero (bit 6): Intel's Software
 * Developer's Manual, volume 1, 10.2.3. */
#define FLOATS_CONTROL 0x9fc0u

#if defined(__MINGW32__)

/* MinGW's libm computes with the x87 unit, whose control is a word of its own: threads begin with one that
 * rounds to 53 bits, programs with another. As after fninit: all exceptions masked, to nearest, 64 bits. */
#define X87_CONTROL 0x037fu
#define X87_FLAGS   0x3fu

typedef struct x87_environment {
    uint32_t control, status, rest[5];
} x87_environment;

static uint64_t x87_set(void) {
    const uint16_t wanted = X87_CONTROL;
    uint16_t control, status;
    __asm__ volatile("fnstcw %0\n\tfnstsw %1\n\tfldcw %2" : "=m"(control), "=m"(status) : "m"(wanted));
    return (uint64_t)control << 32 | (uint64_t)status << 48;
}

static void x87_restore(uint64_t found) {
    const uint32_t control = found >> 32 & 0xffff, flags = found >> 48 & X87_FLAGS;
    x87_environment environment;
    __asm__ volatile("fnstenv %0" : "=m"(environment));
    environment.control = (environment.control & ~0xffffu) | control;
    environment.status = (environment.status & ~X87_FLAGS) | flags;
    __asm__ volatile("fldenv %0" : : "m"(environment));
}

#else

static uint64_t x87_set(void) {
    return 0;
}

static void x87_restore(uint64_t found) {
    (void)found;
}

#endif

uint64_t smr_platform_set_floats(void) {
    const uint64_t found = _mm_getcsr() | x87_set();
    _mm_setcsr(FLOATS_CONTROL);
    return found;
}

void smr_platform_restore_floats(uint64_t found) {
    x87_restore(found);
    _mm_setcsr((unsigned)(found & UINT32_MAX));
}

#elif defined(__aarch64__) || defined(_M_ARM64)

/* FPCR.FZ and nothing else: no traps, to nearest, NaN kept, IEEE's half precision with its subnormals. */
#define FLOATS_CONTROL ((uint64_t)1 << 24)

#if defined(_MSC_VER)
#include <intrin.h>
#define FLOATS_READ(name, value)  ((value) = (uint64_t)_ReadStatusReg(ARM64_##name))
#define FLOATS_WRITE(name, value) _WriteStatusReg(ARM64_##name, (__int64)(value))
#else
#define FLOATS_READ(name, value)  __asm__ volatile("mrs %0, " #name : "=r"(value))
#define FLOATS_WRITE(name, value) __asm__ volatile("msr " #name ", %0" : : "r"(value))
#endif

/* The flags, FPSR, are above the control. */
uint64_t smr_platform_set_floats(void) {
    uint64_t control, flags;
    FLOATS_READ(FPCR, control);
    FLOATS_READ(FPSR, flags);
    FLOATS_WRITE(FPCR, FLOATS_CONTROL);
    return (control & UINT32_MAX) | flags << 32;
}

void smr_platform_restore_floats(uint64_t found) {
    FLOATS_WRITE(FPCR, found & UINT32_MAX);
    FLOATS_WRITE(FPSR, found >> 32);
}

#elif defined(__arm__) && defined(__ARM_FP) && defined(__GNUC__)

/* FPSCR.FZ, and flags, traps and rounding mode 0. The upper four bits are those of the last comparison. */
#define FLOATS_CONTROL ((uint32_t)1 << 24)

uint64_t smr_platform_set_floats(void) {
    uint32_t found;
    __asm__ volatile("vmrs %0, fpscr" : "=r"(found));
    __asm__ volatile("vmsr fpscr, %0" : : "r"(FLOATS_CONTROL));
    return found & 0x0fffffffu;
}

void smr_platform_restore_floats(uint64_t found) {
    __asm__ volatile("vmsr fpscr, %0" : : "r"((uint32_t)found));
}

#else

uint64_t smr_platform_set_floats(void) {
    return 0;
}

void smr_platform_restore_floats(uint64_t found) {
    (void)found;
}

#endif
