# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=DIR -P file_size.cmake: no file of 600 lines or more; a longer one is more than one thing.
include(${CMAKE_CURRENT_LIST_DIR}/source_files.cmake)
source_files(files "${ROOT}" FOLDERS engine app ui tests PATTERNS *.cpp *.h)
foreach(file IN LISTS files)
    file(READ "${ROOT}/${file}" text)
    string(REGEX REPLACE "[^\n]+" "" newlines "${text}")
    string(LENGTH "${newlines}" lines)
    if(lines GREATER_EQUAL 600)
        finding("${file}" "has ${lines} lines; fewer than 600 are allowed")
    endif()
endforeach()
conclude()
