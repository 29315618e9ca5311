/* What the runtime uses of Microsoft's header. */
long _InterlockedOr(volatile long *value, long mask);
long _InterlockedAnd(volatile long *value, long mask);
long _InterlockedExchange(volatile long *value, long next);
long _InterlockedExchangeAdd(volatile long *value, long added);
int __iso_volatile_load32(const volatile int *value);
void _mm_pause(void);
