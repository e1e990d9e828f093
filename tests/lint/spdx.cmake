# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=DIR -P spdx.cmake: every file of ours names its licence at its top.
include(${CMAKE_CURRENT_LIST_DIR}/source_files.cmake)
source_files(files "${ROOT}" FOLDERS engine app ui tests packaging PATTERNS *.cpp *.h *.cmake *.sh CMakeLists.txt)
foreach(file IN LISTS files)
    file(READ "${ROOT}/${file}" head LIMIT 200)
    # Scripts begin with their interpreter.
    if(NOT head MATCHES "^(#![^\n]*\n)?(//|#) SPDX-License-Identifier: Apache-2\\.0\n")
        finding("${file}" "does not begin with SPDX-License-Identifier: Apache-2.0")
    endif()
endforeach()
conclude()
