# randnla_torch: networks as objectives, on libtorch. Included after the library is added and before it is
# installed; sets RANDNLA_HAS_TORCH.
set(RANDNLA_HAS_TORCH OFF)
set(randnla_torch_reason "by RANDNLA_TORCH=OFF")
if(NOT RANDNLA_TORCH STREQUAL "OFF")
  find_package(Torch QUIET)
  if(NOT Torch_FOUND)
    set(randnla_torch_reason "no libtorch found: install libtorch-dev, or set Torch_DIR or CMAKE_PREFIX_PATH")
  elseif(TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
    # Its strings and ours would be two types of one name.
    set(randnla_torch_reason "${Torch_DIR} is built for the old C++ ABI: take the one with the cxx11 ABI")
  else()
    set(RANDNLA_HAS_TORCH ON)
  endif()
  if(NOT RANDNLA_HAS_TORCH AND RANDNLA_TORCH STREQUAL "ON")
    message(FATAL_ERROR "RANDNLA_TORCH=ON, but ${randnla_torch_reason}")
  endif()
endif()
if(NOT RANDNLA_HAS_TORCH)
  message(STATUS "randnla: randnla::torch is left out (${randnla_torch_reason})")
  return()
endif()
message(STATUS "randnla: randnla::torch with libtorch ${Torch_VERSION}")

file(GLOB randnla_torch_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/learn/*.cpp")
add_library(randnla_torch ${randnla_torch_sources})
add_library(randnla::torch ALIAS randnla_torch)
set_target_properties(randnla_torch PROPERTIES EXPORT_NAME torch)
target_include_directories(randnla_torch PRIVATE src)
# The target torch, and not TORCH_LIBRARIES: these name files of this machine, which an installed package would
# look for elsewhere.
target_link_libraries(randnla_torch PUBLIC randnla torch PRIVATE $<BUILD_INTERFACE:randnla_options>)
# 12 of the 16 s that a source takes to compile go into reading these.
target_precompile_headers(randnla_torch PRIVATE <torch/torch.h>)
