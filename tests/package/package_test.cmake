# Installs the build tree BUILD into a scratch prefix below WORK, then configures, builds and runs the
# consumer in this folder against it.
#   cmake -D BUILD=... -D WORK=... -D CXX=... -D TORCH=ON|OFF -P package_test.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/prefix")
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK}/consumer" -G Ninja
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix" -DCMAKE_BUILD_TYPE=Debug
    "-DTORCH=${TORCH}" "-DHUBER=${CMAKE_CURRENT_LIST_DIR}/../../examples/huber")
run("${CMAKE_COMMAND}" --build "${WORK}/consumer")
run("${WORK}/consumer/consumer")
run("${WORK}/consumer/huber")
if(TORCH)
  run("${WORK}/consumer/network")
endif()
