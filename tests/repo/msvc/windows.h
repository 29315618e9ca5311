/* What the runtime uses of Microsoft's header. */
#include <stddef.h>
#include <stdint.h>

#define WINAPI                __stdcall
#define INFINITE              0xffffffffu
#define CP_UTF8               65001
#define MB_ERR_INVALID_CHARS  8
#define GENERIC_READ          0x80000000u
#define FILE_SHARE_READ       1
#define OPEN_EXISTING         3
#define FILE_ATTRIBUTE_NORMAL 0x80
#define FILE_MAP_READ         4
#define PAGE_READONLY         2
#define ERROR_FILE_NOT_FOUND  2L
#define ERROR_PATH_NOT_FOUND  3L
#define INVALID_HANDLE_VALUE  ((HANDLE)(intptr_t)-1)

typedef int BOOL;
typedef unsigned long DWORD;
typedef void *HANDLE;
typedef union _LARGE_INTEGER {
    struct {
        DWORD LowPart;
        long HighPart;
    } u;
    long long QuadPart;
} LARGE_INTEGER;
typedef struct _SRWLOCK {
    void *Ptr;
} SRWLOCK;
typedef struct _CONDITION_VARIABLE {
    void *Ptr;
} CONDITION_VARIABLE;
typedef DWORD(WINAPI *LPTHREAD_START_ROUTINE)(void *argument);

BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *frequency);
BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *count);
int WINAPI MultiByteToWideChar(unsigned page, DWORD flags, const char *text, int size, wchar_t *wide,
                               int room);
HANDLE WINAPI CreateFileW(const wchar_t *name, DWORD access, DWORD share, void *security, DWORD creation,
                          DWORD flags, HANDLE template_file);
BOOL WINAPI GetFileSizeEx(HANDLE file, LARGE_INTEGER *size);
HANDLE WINAPI CreateFileMappingW(HANDLE file, void *security, DWORD protect, DWORD high, DWORD low,
                                 const wchar_t *name);
void *WINAPI MapViewOfFile(HANDLE mapping, DWORD access, DWORD high, DWORD low, size_t bytes);
BOOL WINAPI UnmapViewOfFile(const void *address);
BOOL WINAPI CloseHandle(HANDLE handle);
DWORD WINAPI GetLastError(void);
HANDLE WINAPI CreateThread(void *security, size_t stack, LPTHREAD_START_ROUTINE start, void *argument,
                           DWORD flags, DWORD *number);
DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds);
void WINAPI InitializeSRWLock(SRWLOCK *lock);
void WINAPI AcquireSRWLockExclusive(SRWLOCK *lock);
void WINAPI ReleaseSRWLockExclusive(SRWLOCK *lock);
void WINAPI InitializeConditionVariable(CONDITION_VARIABLE *condition);
BOOL WINAPI SwitchToThread(void);
void WINAPI Sleep(DWORD milliseconds);
BOOL WINAPI SleepConditionVariableSRW(CONDITION_VARIABLE *condition, SRWLOCK *lock, DWORD milliseconds,
                                      unsigned long flags);
void WINAPI WakeConditionVariable(CONDITION_VARIABLE *condition);
void WINAPI WakeAllConditionVariable(CONDITION_VARIABLE *condition);
