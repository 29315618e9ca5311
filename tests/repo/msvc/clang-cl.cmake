# clang in the manner of Microsoft's compiler (clang-19, lld-19, llvm-19), with what the runtime uses of Microsoft's headers:
# the library compiles, and nothing can be linked. CMAKE_C_COMPILER is clang under the name of clang-cl.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
set(CMAKE_C_COMPILER_TARGET x86_64-pc-windows-msvc)
set(CMAKE_AR /usr/lib/llvm-19/bin/llvm-lib)
set(CMAKE_LINKER lld-link-19)
set(CMAKE_MT llvm-mt-19)
set(CMAKE_RC_COMPILER llvm-rc-19)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "-imsvc ${CMAKE_CURRENT_LIST_DIR}")
