# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=FILE -P no_gui.cmake: the program loads neither Gui nor Widgets, not even through another library.
execute_process(COMMAND ldd ${PROGRAM} OUTPUT_VARIABLE libraries RESULT_VARIABLE result)
if(result OR NOT libraries MATCHES "libQt6Core")
    message(FATAL_ERROR "ldd ${PROGRAM} does not say what it loads: ${libraries}")
endif()
if(libraries MATCHES "libQt6(Gui|Widgets)")
    message(FATAL_ERROR "${PROGRAM} loads ${CMAKE_MATCH_0}:\n${libraries}")
endif()
