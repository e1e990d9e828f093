# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=DIR -P coawait.cmake: finds temporaries that GCC 12 destroys twice: capturing lambdas and braced values
# inside a statement that holds co_await. What is harmless by the compiler's rules passes: captures of `this` and of
# references, empty braces. What only a reader can know to be harmless, such as a class with a declared constructor,
# is allowed by a comment on the line before the statement:  // lint-allow: coawait (reason)
# It reads text, not C++: an aggregate made with parentheses passes, and so does a lambda with statements in its body
# that stands before the co_await. The sanitizers are the net below.
include(${CMAKE_CURRENT_LIST_DIR}/source_files.cmake)
source_files(files "${ROOT}" FOLDERS engine app ui tests PATTERNS *.cpp *.h)
foreach(file IN LISTS files)
    file(READ "${ROOT}/${file}" text)
    if(NOT text MATCHES "co_await")
        continue()
    endif()
    string(REGEX REPLACE "// lint-allow: coawait \\([^\n]+\\)" "lint_allowed" text "${text}")
    string(REGEX REPLACE "//[^\n]*" "" text "${text}")
    string(REGEX REPLACE "\"([^\"\\\n]|\\\\.)*\"" "\"\"" text "${text}")
    # CMake lists cannot hold unbalanced brackets.
    string(REPLACE "[" "`" text "${text}")
    string(REPLACE "]" "~" text "${text}")
    string(REPLACE "\\" "/" text "${text}")
    # A condition alone on its line ends before a body without braces.
    string(REGEX REPLACE "(\n[ }]*(else )?(if|while|for|switch) [^\n]*\\))\n" "\\1;\n" text "${text}")
    string(REGEX REPLACE "[ \t\n]+" " " text "${text}")
    # The opening brace of a block ends what stands before it; a lambda was seen by its brackets.
    string(REGEX REPLACE "\\)( const| noexcept| mutable)* \\{" ");" text "${text}")
    string(REGEX REPLACE "`(this|&[A-Za-z_]*)~" "``~~" text "${text}")
    string(REGEX REPLACE "\\{ *\\}" "" text "${text}")
    foreach(statement IN LISTS text)
        if(NOT statement MATCHES "co_await" OR statement MATCHES "lint_allowed")
            continue()
        endif()
        if(statement MATCHES "co_await.*[^A-Za-z0-9_)~`]`[^~`]+~ *[(;{]"
           OR statement MATCHES "co_await.*[^A-Za-z0-9_)~`]`[^~`]+~ *$"
           OR statement MATCHES "[,(] *`[^~`]+~.*co_await"
           OR statement MATCHES "co_await.*[A-Za-z0-9_>(,] ?\\{[^}]")
            string(REPLACE "`" "[" statement "${statement}")
            string(REPLACE "~" "]" statement "${statement}")
            string(STRIP "${statement}" statement)
            finding("${file}" "${statement}")
        endif()
    endforeach()
endforeach()
conclude()
