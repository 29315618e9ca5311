/* What the runtime uses of Microsoft's header. */
#define INFINITY    ((float)(1e+300 * 1e+300))
#define HUGE_VAL    (1e+300 * 1e+300)
#define NAN         (-(float)(INFINITY * 0.0F))
#define isnan(x)    ((x) != (x))
#define isinf(x)    ((x) == INFINITY || (x) == -INFINITY)
#define isfinite(x) ((x) - (x) == 0)
#define signbit(x)  __builtin_signbit(x)

double __cdecl acos(double x);
float __cdecl acosf(float x);
double __cdecl acosh(double x);
float __cdecl acoshf(float x);
double __cdecl asin(double x);
float __cdecl asinf(float x);
double __cdecl asinh(double x);
float __cdecl asinhf(float x);
double __cdecl atan(double x);
float __cdecl atanf(float x);
double __cdecl atanh(double x);
float __cdecl atanhf(float x);
double __cdecl ceil(double x);
float __cdecl ceilf(float x);
double __cdecl cos(double x);
float __cdecl cosf(float x);
double __cdecl cosh(double x);
float __cdecl coshf(float x);
double __cdecl erf(double x);
float __cdecl erff(float x);
double __cdecl exp(double x);
float __cdecl expf(float x);
double __cdecl expm1(double x);
float __cdecl expm1f(float x);
double __cdecl fabs(double x);
float __cdecl fabsf(float x);
double __cdecl floor(double x);
float __cdecl floorf(float x);
double __cdecl lgamma(double x);
float __cdecl lgammaf(float x);
double __cdecl log(double x);
float __cdecl logf(float x);
double __cdecl log1p(double x);
float __cdecl log1pf(float x);
double __cdecl log2(double x);
float __cdecl log2f(float x);
double __cdecl rint(double x);
float __cdecl rintf(float x);
double __cdecl round(double x);
float __cdecl roundf(float x);
double __cdecl sin(double x);
float __cdecl sinf(float x);
double __cdecl sinh(double x);
float __cdecl sinhf(float x);
double __cdecl sqrt(double x);
float __cdecl sqrtf(float x);
double __cdecl tan(double x);
float __cdecl tanf(float x);
double __cdecl tanh(double x);
float __cdecl tanhf(float x);
double __cdecl trunc(double x);
float __cdecl truncf(float x);
double __cdecl cbrt(double x);
float __cdecl cbrtf(float x);
double __cdecl exp2(double x);
float __cdecl exp2f(float x);
double __cdecl nearbyint(double x);
float __cdecl nearbyintf(float x);
double __cdecl atan2(double x, double y);
float __cdecl atan2f(float x, float y);
double __cdecl fmod(double x, double y);
float __cdecl fmodf(float x, float y);
double __cdecl pow(double x, double y);
float __cdecl powf(float x, float y);
double __cdecl copysign(double x, double y);
float __cdecl copysignf(float x, float y);
double __cdecl fmax(double x, double y);
float __cdecl fmaxf(float x, float y);
double __cdecl fmin(double x, double y);
float __cdecl fminf(float x, float y);
double __cdecl hypot(double x, double y);
float __cdecl hypotf(float x, float y);
double __cdecl ldexp(double x, int exponent);
float __cdecl ldexpf(float x, int exponent);
double __cdecl frexp(double x, int *exponent);
float __cdecl frexpf(float x, int *exponent);
long __cdecl lrintf(float x);
float __cdecl fmaf(float x, float y, float z);
