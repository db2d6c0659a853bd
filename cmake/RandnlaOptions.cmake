# randnla_codegen: how code is generated. Users who compile the library's templates themselves (randnla::extend)
# must do it alike: the vectors' width, and so the layout of classes and the meaning of inline functions, follows
# from -march; two versions of one template in a program would break the one-definition rule. An installed
# library built with RANDNLA_NATIVE is therefore for processors like the one that built it.
add_library(randnla_codegen INTERFACE)
set_target_properties(randnla_codegen PROPERTIES EXPORT_NAME codegen)
target_compile_options(
  randnla_codegen
  INTERFACE
    # ISO mode turns contraction off; the hot loops live on fused multiply-adds. Code whose bits must
    # agree between backends spells fma() out.
    $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=fast
    -fno-math-errno
    -fno-trapping-math>
    $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda
    # std::bit_cast and other constexpr functions of the standard library, in code for both sides.
    --expt-relaxed-constexpr>)
if(RANDNLA_NATIVE)
  target_compile_options(
    randnla_codegen INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native -mprefer-vector-width=512>)
endif()

# randnla_options: the compile options of everything built here, not passed on to users.
add_library(randnla_options INTERFACE)
target_link_libraries(randnla_options INTERFACE randnla_codegen)
target_compile_options(
  randnla_options
  INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall
    -Wextra
    -Wshadow
    -Wconversion>
    # Not -Wconversion: nvcc's own generated host code does not pass it.
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow>)
if(RANDNLA_SANITIZE)
  target_compile_options(randnla_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${RANDNLA_SANITIZE}
                                                   -fno-sanitize-recover=all -fno-omit-frame-pointer
                                                   # GCC finds some in the standard library, wrongly, once
                                                   # its own checks are in the code.
                                                   -Wno-maybe-uninitialized>)
  target_link_options(randnla_options INTERFACE -fsanitize=${RANDNLA_SANITIZE})
endif()

# For what has no hot loop, the programs' and the tests' own sources: they compile in half the time at -O1, and
# with sanitizers in a fifth at -O0 (6 s in place of 33 for tests/sketch/sketch_test.cpp).
if(RANDNLA_SANITIZE)
  set(RANDNLA_QUICKLY $<$<COMPILE_LANGUAGE:CXX>:-O0>)
else()
  set(RANDNLA_QUICKLY $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<CONFIG:Debug>>>:-O1>)
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
