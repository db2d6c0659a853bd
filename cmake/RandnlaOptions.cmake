# randnla_options: the compile options of everything built here, not passed on to users.
add_library(randnla_options INTERFACE)
target_compile_options(
  randnla_options
  INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall
    -Wextra
    -Wshadow
    -Wconversion
    # ISO mode turns contraction off; the hot loops live on fused multiply-adds. Code whose bits must
    # agree between backends spells fma() out.
    -ffp-contract=fast
    -fno-math-errno
    -fno-trapping-math>)
if(RANDNLA_NATIVE)
  target_compile_options(
    randnla_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native -mprefer-vector-width=512>)
endif()
if(RANDNLA_SANITIZE)
  target_compile_options(randnla_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${RANDNLA_SANITIZE}
                                                   -fno-sanitize-recover=all -fno-omit-frame-pointer
                                                   # GCC finds some in the standard library, wrongly, once
                                                   # its own checks are in the code.
                                                   -Wno-maybe-uninitialized>)
  target_link_options(randnla_options INTERFACE -fsanitize=${RANDNLA_SANITIZE})
  if(RANDNLA_SANITIZE MATCHES "thread")
    # ThreadSanitizer does not know libgomp's barriers; the loops run on std::thread there.
    target_compile_definitions(randnla_options INTERFACE RANDNLA_STD_THREADS)
  endif()
endif()

set(RANDNLA_HAS_CUDA OFF)
if(NOT RANDNLA_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(RANDNLA_HAS_CUDA ON)
  elseif(RANDNLA_CUDA STREQUAL "ON")
    message(FATAL_ERROR "RANDNLA_CUDA=ON, but no CUDA compiler was found: put nvcc on PATH or set CMAKE_CUDA_COMPILER")
  endif()
endif()
message(STATUS "randnla: CUDA backend ${RANDNLA_HAS_CUDA}")
