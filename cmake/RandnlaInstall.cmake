# Installs the library, its headers and a package for find_package(randnla). Programs install themselves.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(randnla_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/randnla)
get_target_property(randnla_type randnla TYPE)

set_target_properties(randnla PROPERTIES VERSION ${PROJECT_VERSION}
                                         SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                         INSTALL_RPATH_USE_LINK_PATH ON)  # CUDA's folder
if(randnla_type STREQUAL "SHARED_LIBRARY")
  set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")  # of the programs added after this
endif()

install(TARGETS randnla randnla_codegen randnla_extend EXPORT randnlaTargets
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# The private headers behind randnla::extend, apart from the interface.
set(randnla_detail ${CMAKE_INSTALL_INCLUDEDIR}/randnla/detail)
install(DIRECTORY src/core src/seam src/cpu src/objective src/sketch DESTINATION ${randnla_detail} FILES_MATCHING PATTERN "*.hpp")
target_include_directories(randnla_extend INTERFACE $<INSTALL_INTERFACE:${randnla_detail}>)
if(RANDNLA_HAS_CUDA)
  install(DIRECTORY kernels/ DESTINATION ${randnla_detail}/kernels FILES_MATCHING PATTERN "*.cuh")
  target_include_directories(randnla_extend INTERFACE $<INSTALL_INTERFACE:${randnla_detail}/kernels>)
endif()
install(DIRECTORY include/ "${PROJECT_BINARY_DIR}/include/" TYPE INCLUDE FILES_MATCHING PATTERN "*.hpp"
        PATTERN "learn" EXCLUDE)
install(EXPORT randnlaTargets NAMESPACE randnla:: DESTINATION ${randnla_package_dir})
if(RANDNLA_HAS_TORCH)
  # An export of its own: only who asks for the component needs libtorch.
  set_target_properties(randnla_torch PROPERTIES VERSION ${PROJECT_VERSION}
                                                 SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                                 INSTALL_RPATH "$ORIGIN" INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS randnla_torch EXPORT randnlaTorchTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(DIRECTORY include/randnla/learn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/randnla
          FILES_MATCHING PATTERN "*.hpp")
  install(EXPORT randnlaTorchTargets NAMESPACE randnla:: DESTINATION ${randnla_package_dir})
endif()

configure_package_config_file(cmake/randnlaConfig.cmake.in randnlaConfig.cmake
                              INSTALL_DESTINATION ${randnla_package_dir})
write_basic_package_version_file(randnlaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/randnlaConfig.cmake"
              "${PROJECT_BINARY_DIR}/randnlaConfigVersion.cmake" cmake/FindOpenBLAS.cmake
        DESTINATION ${randnla_package_dir})
