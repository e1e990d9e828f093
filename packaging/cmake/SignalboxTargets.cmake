# SPDX-License-Identifier: Apache-2.0
# One helper for each kind of target, so that a folder's CMakeLists.txt lists only its sources and what it may see.

# The engine's precompiled header, compiled once and reused by every engine folder and test.
file(WRITE ${CMAKE_BINARY_DIR}/signalbox_pch.cpp "// Holds the precompiled header.\n")
add_library(signalbox_pch STATIC ${CMAKE_BINARY_DIR}/signalbox_pch.cpp)
target_link_libraries(signalbox_pch PUBLIC Signalbox::Options Qt6::Core Qt6::Network QCoro6::Core tl::expected)
target_precompile_headers(signalbox_pch PRIVATE
    <QByteArray> <QDebug> <QHash> <QMetaObject> <QObject> <QPointer> <QString> <QStringList> <QTimer> <QVariant>
    <QDateTime> <QTcpSocket> <QCoro/QCoroTask> <tl/expected.hpp>
    <algorithm> <chrono> <functional> <map> <memory> <optional> <string> <unordered_map> <utility> <variant> <vector>)
set_target_properties(signalbox_pch PROPERTIES AUTOMOC OFF POSITION_INDEPENDENT_CODE ON)

# signalbox_add_library(<folder> SOURCES ... LINK ...): one folder of the engine as a library that sees only what it links.
function(signalbox_add_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(signalbox_${name} STATIC ${ARG_SOURCES})
    set_target_properties(signalbox_${name} PROPERTIES AUTOMOC ON POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(signalbox_${name} PUBLIC Signalbox::Options Qt6::Core Qt6::Network QCoro6::Core tl::expected ${ARG_LINK})
    target_include_directories(signalbox_${name} PUBLIC ${PROJECT_SOURCE_DIR}/engine)
    target_precompile_headers(signalbox_${name} REUSE_FROM signalbox_pch)
endfunction()

# signalbox_use_failpoints(<sources>...): the files of this folder that hold failpoints (engine/base/failpoint.h). The
# definition is theirs alone: for all others, and for the precompiled header, builds with and without are the same.
function(signalbox_use_failpoints)
    if(SIGNALBOX_FAILPOINTS)
        set_source_files_properties(${ARGN} PROPERTIES COMPILE_DEFINITIONS SIGNALBOX_FAILPOINTS)
    endif()
endfunction()

# signalbox_add_test(<name> SOURCES ... LINK ... LABELS ... [TIMEOUT s] [GUI] [ENV ...]): one Qt Test program.
# Every test gets a deadline, the offscreen platform, a fixed locale and a private temporary folder.
function(signalbox_add_test name)
    cmake_parse_arguments(ARG "GUI;NO_PCH" "TIMEOUT" "SOURCES;LINK;LABELS;ENV" ${ARGN})
    if(NOT ARG_SOURCES)
        set(ARG_SOURCES ${name}.cpp)
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 60)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    set_target_properties(${name} PROPERTIES AUTOMOC ON POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${name} PRIVATE Signalbox::Options signalbox_test_support Qt6::Test ${ARG_LINK})
    if(NOT ARG_GUI AND NOT ARG_NO_PCH)
        target_precompile_headers(${name} REUSE_FROM signalbox_pch)
    endif()
    add_test(NAME ${name} COMMAND ${name})
    set(temp ${CMAKE_BINARY_DIR}/test-tmp/${name})
    file(MAKE_DIRECTORY ${temp})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
        ENVIRONMENT "QT_QPA_PLATFORM=offscreen;LC_ALL=C.UTF-8;TMPDIR=${temp};XDG_DATA_HOME=${temp}/data;XDG_CONFIG_HOME=${temp}/config;SIGNALBOX_BIN_DIR=${CMAKE_BINARY_DIR}/bin;SIGNALBOX_SOURCE_DIR=${PROJECT_SOURCE_DIR};${ARG_ENV}")
    # A benchmark measures the machine alone; a transaction in one database of a cluster holds back the others' feeds.
    if("bench" IN_LIST ARG_LABELS)
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endif()
    if("postgres" IN_LIST ARG_LABELS)
        set_tests_properties(${name} PROPERTIES RESOURCE_LOCK postgres)
    endif()
endfunction()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
