# The CUDA half of the library: kernels/*.cu, and every source in randnla_algorithms a second time, by nvcc.
# Included where RANDNLA_HAS_CUDA is on, after the library is added and before anything else is.

# Compiled code of every major generation and PTX for later ones, unless a preset or the caller says otherwise.
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES all-major)
endif()
# cuBLAS and cuSOLVER come as shared libraries and bring the shared runtime: one copy of it in a program.
if(NOT CMAKE_CUDA_RUNTIME_LIBRARY)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
endif()
enable_language(CUDA)
find_package(CUDAToolkit 12.8 REQUIRED) # cub::DeviceScan::InclusiveScanInit; tried with 13.0
# cxx_std_20, which the library asks for, counts for CUDA too, and CMake 3.25 does not know nvcc's flag.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)

set_target_properties(randnla PROPERTIES CUDA_ARCHITECTURES "${CMAKE_CUDA_ARCHITECTURES}"
                                         CUDA_RUNTIME_LIBRARY "${CMAKE_CUDA_RUNTIME_LIBRARY}"
                                         CUDA_STANDARD ${CMAKE_CUDA_STANDARD})

# Such a source ends by instantiating its templates for ThisBackend, which under nvcc is Cuda. The file that
# nvcc gets only includes it; nvcc's dependency file then names the source.
foreach(source IN LISTS randnla_algorithms)
  file(RELATIVE_PATH name "${PROJECT_SOURCE_DIR}/src" "${source}")
  string(REGEX REPLACE "\\.cpp$" ".cu" twin "${PROJECT_BINARY_DIR}/cuda/${name}")
  file(CONFIGURE OUTPUT "${twin}" CONTENT "#include \"@name@\"\n" @ONLY)
  target_sources(randnla PRIVATE "${twin}")
endforeach()

file(GLOB randnla_kernels CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cu")
target_sources(randnla PRIVATE ${randnla_kernels})

if(CMAKE_CUDA_RUNTIME_LIBRARY STREQUAL "Static")
  target_link_libraries(randnla PRIVATE CUDA::cublas CUDA::cusolver CUDA::cudart_static)
else()
  target_link_libraries(randnla PRIVATE CUDA::cublas CUDA::cusolver CUDA::cudart)
endif()
