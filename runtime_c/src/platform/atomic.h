/* 32-bit numbers that several threads use at the same time. What is not said to be relaxed is sequentially
 * consistent, or at least acquires when it reads and releases when it writes. */
#ifndef SMR_ATOMIC_H
#define SMR_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)

#include <intrin.h>

typedef struct smr_atomic {
    volatile long value;
} smr_atomic;

static inline uint32_t smr_atomic_load(smr_atomic *atomic) {
    return (uint32_t)_InterlockedOr(&atomic->value, 0);
}

static inline uint32_t smr_atomic_peek(smr_atomic *atomic) {
    return (uint32_t)__iso_volatile_load32((const volatile int *)&atomic->value);
}

static inline void smr_atomic_store(smr_atomic *atomic, uint32_t value) {
    (void)_InterlockedExchange(&atomic->value, (long)value);
}

static inline uint32_t smr_atomic_exchange(smr_atomic *atomic, uint32_t value) {
    return (uint32_t)_InterlockedExchange(&atomic->value, (long)value);
}

static inline uint32_t smr_atomic_add(smr_atomic *atomic, uint32_t value) {
    return (uint32_t)_InterlockedExchangeAdd(&atomic->value, (long)value);
}

static inline uint32_t smr_atomic_and(smr_atomic *atomic, uint32_t value) {
    return (uint32_t)_InterlockedAnd(&atomic->value, (long)value);
}

static inline void smr_atomic_release(smr_atomic *atomic, uint32_t value) {
    (void)_InterlockedExchange(&atomic->value, (long)value);
}

static inline bool smr_atomic_replace(smr_atomic *atomic, uint32_t from, uint32_t to) {
    return _InterlockedCompareExchange(&atomic->value, (long)to, (long)from) == (long)from;
}

#else

#include <stdatomic.h>

typedef struct smr_atomic {
    _Atomic uint32_t value;
} smr_atomic;

static inline uint32_t smr_atomic_load(smr_atomic *atomic) {
    return atomic_load_explicit(&atomic->value, memory_order_seq_cst);
}

/* Relaxed. */
static inline uint32_t smr_atomic_peek(smr_atomic *atomic) {
    return atomic_load_explicit(&atomic->value, memory_order_relaxed);
}

static inline void smr_atomic_store(smr_atomic *atomic, uint32_t value) {
    atomic_store_explicit(&atomic->value, value, memory_order_seq_cst);
}

/* These return what was there before. */
static inline uint32_t smr_atomic_exchange(smr_atomic *atomic, uint32_t value) {
    return atomic_exchange_explicit(&atomic->value, value, memory_order_acq_rel);
}

static inline uint32_t smr_atomic_add(smr_atomic *atomic, uint32_t value) {
    return atomic_fetch_add_explicit(&atomic->value, value, memory_order_seq_cst);
}

static inline uint32_t smr_atomic_and(smr_atomic *atomic, uint32_t value) {
    return atomic_fetch_and_explicit(&atomic->value, value, memory_order_acq_rel);
}

/* Stores without waiting for what was stored before to be seen. */
static inline void smr_atomic_release(smr_atomic *atomic, uint32_t value) {
    atomic_store_explicit(&atomic->value, value, memory_order_release);
}

/* Stores `to` where there is `from`, and says whether there was. */
static inline bool smr_atomic_replace(smr_atomic *atomic, uint32_t from, uint32_t to) {
    return atomic_compare_exchange_strong_explicit(&atomic->value, &from, to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

#endif

#endif
