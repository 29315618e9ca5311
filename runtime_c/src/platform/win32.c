/* Windows. */
#include "thread.h"

#if defined(SMR_PLATFORM_WIN32)

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <malloc.h>
#include <windows.h>

#include "../core/status.h"

uint64_t smr_platform_clock(void) {
    LARGE_INTEGER frequency, ticks;
    uint64_t seconds, rest;
    if (!QueryPerformanceFrequency(&frequency) || !QueryPerformanceCounter(&ticks) ||
        frequency.QuadPart <= 0) {
        return 0;
    }
    seconds = (uint64_t)ticks.QuadPart / (uint64_t)frequency.QuadPart;
    rest = (uint64_t)ticks.QuadPart % (uint64_t)frequency.QuadPart;
    return seconds * 1000000000u + rest * 1000000000u / (uint64_t)frequency.QuadPart;
}

uint32_t smr_platform_process(void) {
    return 0;
}

void *smr_platform_allocate(size_t bytes, size_t alignment) {
    return _aligned_malloc(bytes, alignment);
}

void smr_platform_release(void *memory) {
    _aligned_free(memory);
}

void smr_platform_touch(void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
}

/* Paths are UTF-8. */
static HANDLE open_file(const char *path) {
    wchar_t wide[1024];
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, 1024) == 0) {
        return INVALID_HANDLE_VALUE;
    }
    return CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

static smr_status map_handle(HANDLE handle, const char *path, smr_platform_file *file, smr_error *error) {
    LARGE_INTEGER size;
    HANDLE mapping;
    if (!GetFileSizeEx(handle, &size)) {
        SMR_FAIL(error, SMR_ERROR_IO, "%.128s is not a file", path);
    }
    if (size.QuadPart <= 0 || (uint64_t)size.QuadPart > SIZE_MAX) {
        SMR_FAIL(error, SMR_ERROR_FORMAT, "%.128s has %lld bytes", path, (long long)size.QuadPart);
    }
    mapping = CreateFileMappingW(handle, NULL, PAGE_READONLY, 0, 0, NULL);
    if (mapping == NULL) {
        SMR_FAIL(error, SMR_ERROR_IO, "cannot map %.128s: error %lu", path, GetLastError());
    }
    file->data = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    file->size = (size_t)size.QuadPart;
    (void)CloseHandle(mapping);
    if (file->data == NULL) {
        SMR_FAIL(error, SMR_ERROR_IO, "cannot map %.128s: error %lu", path, GetLastError());
    }
    return SMR_OK;
}

smr_status smr_platform_map(const char *path, smr_platform_file *file, smr_error *error) {
    const HANDLE handle = open_file(path);
    smr_status status;
    if (handle == INVALID_HANDLE_VALUE) {
        const DWORD reason = GetLastError();
        SMR_FAIL(error, SMR_ERROR_IO, "cannot open %.128s: error %lu%s", path, reason,
                 reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND ? ", no such file" : "");
    }
    status = map_handle(handle, path, file, error);
    (void)CloseHandle(handle);
    return status;
}

void smr_platform_unmap(const smr_platform_file *file) {
    (void)UnmapViewOfFile(file->data);
}

#if defined(SMR_PLATFORM_THREADS)

_Static_assert(sizeof(SRWLOCK) == sizeof(smr_mutex), "an SRWLOCK is a pointer");
_Static_assert(sizeof(CONDITION_VARIABLE) == sizeof(smr_condition), "a CONDITION_VARIABLE is a pointer");

static DWORD WINAPI run_thread(void *given) {
    const smr_thread_start *start = given;
    start->main(start->argument);
    return 0;
}

bool smr_thread_create(smr_thread *thread, const smr_thread_start *start) {
    *thread = CreateThread(NULL, 0, run_thread, (void *)(uintptr_t)start, 0, NULL);
    return *thread != NULL;
}

void smr_thread_join(smr_thread thread) {
    (void)WaitForSingleObject(thread, INFINITE);
    (void)CloseHandle(thread);
}

void smr_thread_rest(void) {
    if (!SwitchToThread()) {
        Sleep(1);
    }
}

bool smr_mutex_create(smr_mutex *mutex) {
    InitializeSRWLock((SRWLOCK *)mutex);
    return true;
}

void smr_mutex_free(smr_mutex *mutex) {
    (void)mutex;
}

void smr_mutex_lock(smr_mutex *mutex) {
    AcquireSRWLockExclusive((SRWLOCK *)mutex);
}

void smr_mutex_unlock(smr_mutex *mutex) {
    ReleaseSRWLockExclusive((SRWLOCK *)mutex);
}

bool smr_condition_create(smr_condition *condition) {
    InitializeConditionVariable((CONDITION_VARIABLE *)condition);
    return true;
}

void smr_condition_free(smr_condition *condition) {
    (void)condition;
}

void smr_condition_wait(smr_condition *condition, smr_mutex *mutex) {
    (void)SleepConditionVariableSRW((CONDITION_VARIABLE *)condition, (SRWLOCK *)mutex, INFINITE, 0);
}

void smr_condition_wake_one(smr_condition *condition) {
    WakeConditionVariable((CONDITION_VARIABLE *)condition);
}

void smr_condition_wake_all(smr_condition *condition) {
    WakeAllConditionVariable((CONDITION_VARIABLE *)condition);
}

#endif

#else
typedef int smr_win32_is_not_used;
#endif
