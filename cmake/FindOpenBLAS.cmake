# OpenBLAS::OpenBLAS, with cblas.h and lapacke.h. OpenBLAS itself and no other BLAS: randnla tells it how many
# threads to use (see src/cpu/serial_blas.hpp), and that call is OpenBLAS's own. LAPACKE is a library of its own
# where the system has split it off (Debian), else a part of OpenBLAS.
find_path(OpenBLAS_INCLUDE_DIR openblas_config.h PATH_SUFFIXES openblas openblas-pthread openblas-openmp)
find_library(OpenBLAS_LIBRARY openblas)
find_path(OpenBLAS_LAPACKE_INCLUDE_DIR lapacke.h PATH_SUFFIXES lapacke openblas)
find_library(OpenBLAS_LAPACKE_LIBRARY NAMES lapacke openblas)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenBLAS REQUIRED_VARS OpenBLAS_LIBRARY OpenBLAS_INCLUDE_DIR
                                                         OpenBLAS_LAPACKE_LIBRARY OpenBLAS_LAPACKE_INCLUDE_DIR)
if(OpenBLAS_FOUND AND NOT TARGET OpenBLAS::OpenBLAS)
  add_library(OpenBLAS::OpenBLAS UNKNOWN IMPORTED)
  set_target_properties(
    OpenBLAS::OpenBLAS
    PROPERTIES IMPORTED_LOCATION "${OpenBLAS_LIBRARY}" INTERFACE_LINK_LIBRARIES "${OpenBLAS_LAPACKE_LIBRARY}"
               INTERFACE_INCLUDE_DIRECTORIES "${OpenBLAS_INCLUDE_DIR};${OpenBLAS_LAPACKE_INCLUDE_DIR}")
endif()
mark_as_advanced(OpenBLAS_INCLUDE_DIR OpenBLAS_LIBRARY OpenBLAS_LAPACKE_INCLUDE_DIR OpenBLAS_LAPACKE_LIBRARY)
