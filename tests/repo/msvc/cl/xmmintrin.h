/* What the runtime uses of Microsoft's header. */
unsigned _mm_getcsr(void);
void _mm_setcsr(unsigned control);
