# SPDX-License-Identifier: Apache-2.0
# signalbox_options carries every flag and definition of the project; nothing sets global ones.
option(SIGNALBOX_WERROR "Treat warnings as errors" OFF)
option(SIGNALBOX_FAILPOINTS "Compile in the places where tests kill the process (engine/base/failpoint.h)" OFF)
set(SIGNALBOX_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")

add_library(signalbox_options INTERFACE)
add_library(Signalbox::Options ALIAS signalbox_options)
target_compile_features(signalbox_options INTERFACE cxx_std_20)
target_compile_definitions(signalbox_options INTERFACE
    QT_NO_CAST_FROM_ASCII QT_NO_CAST_TO_ASCII QT_NO_CAST_FROM_BYTEARRAY QT_NO_URL_CAST_FROM_STRING
    QT_NO_NARROWING_CONVERSIONS_IN_CONNECT QT_NO_KEYWORDS QT_NO_FOREACH QT_STRICT_ITERATORS
    QT_NO_CONTEXTLESS_CONNECT QT_DISABLE_DEPRECATED_BEFORE=0x060400
    SIGNALBOX_VERSION="${PROJECT_VERSION}")
target_compile_options(signalbox_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Wold-style-cast
    $<$<CXX_COMPILER_ID:GNU>:-Wno-null-dereference>
    # -fpch-preprocess lets ccache see through precompiled headers.
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
if(SIGNALBOX_WERROR)
    target_compile_options(signalbox_options INTERFACE -Werror)
    if(SIGNALBOX_SANITIZE)
        # Instrumented code makes GCC 12 see uninitialised members of a std::variant that are not; builds without
        # sanitizers keep the warning.
        target_compile_options(signalbox_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    endif()
endif()
if(SIGNALBOX_SANITIZE)
    target_compile_options(signalbox_options INTERFACE -fsanitize=${SIGNALBOX_SANITIZE}
        -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    # The vptr check needs type information of Qt's private classes, which the distribution does not export.
    target_compile_options(signalbox_options INTERFACE -fno-sanitize=vptr
        $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
    target_link_options(signalbox_options INTERFACE -fsanitize=${SIGNALBOX_SANITIZE})
endif()
