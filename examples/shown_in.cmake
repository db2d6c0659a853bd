# Fails unless the file DOCUMENT shows the program EXAMPLE as it is.
#   cmake -D DOCUMENT=... -D EXAMPLE=... -P shown_in.cmake
file(READ "${DOCUMENT}" document)
file(READ "${EXAMPLE}" example)
string(FIND "${document}" "```cpp\n${example}```" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${DOCUMENT} does not show ${EXAMPLE} as it is")
endif()
