# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=DIR -DCLANG_FORMAT=PROGRAM -P format.cmake: every file is as clang-format 14 writes it. Mend with
# clang-format-14 -i FILE.
include(${CMAKE_CURRENT_LIST_DIR}/source_files.cmake)
source_files(files "${ROOT}" FOLDERS engine app ui tests PATTERNS *.cpp *.h)
foreach(file IN LISTS files)
    execute_process(COMMAND ${CLANG_FORMAT} --dry-run -Werror ${file} WORKING_DIRECTORY "${ROOT}"
        RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
    if(result)
        finding("${file}" "is not formatted")
    endif()
endforeach()
conclude()
