# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=DIR -P banned.cmake: finds calls that the house style replaces by something of our own. A line may be
# allowed by a comment at its end:  // lint-allow: banned (reason)
include(${CMAKE_CURRENT_LIST_DIR}/source_files.cmake)

# ban(<pattern> <folders> <what to use> [<folders that may>])
function(ban pattern folders instead)
    source_files(files "${ROOT}" FOLDERS ${folders} PATTERNS *.cpp *.h)
    foreach(file IN LISTS files)
        if(ARGC GREATER 3 AND file MATCHES "^(${ARGV3})/")
            continue()
        endif()
        file(STRINGS "${ROOT}/${file}" lines REGEX "${pattern}")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "//.*" "" code "${line}")
            if(code MATCHES "${pattern}" AND NOT line MATCHES "// lint-allow: banned \\(.+\\)")
                string(STRIP "${code}" code)
                finding("${file}" "${code}  <- ${instead}")
            endif()
        endforeach()
    endforeach()
endfunction()

set(product engine app ui)
set(all engine app ui tests)
ban("qCoro\\(|QCoro::(waitFor|connect|sleepFor|sleepUntil)" "${all}" "await through engine/async" engine/async)
ban("QtConcurrent" "${all}" "runOn of engine/async" engine/async)
ban("processEvents\\(" "${product}" "no nested event loop; await" engine/async)
ban("QThread::(m|u)?sleep\\(|this_thread::sleep|[^A-Za-z_:.>](usleep|nanosleep)\\(" "${product}"
    "delay() of engine/async")
ban("QTest::q(Sleep|Wait)\\(|QThread::(m|u)?sleep\\(|this_thread::sleep" tests
    "wait for a signal or an event with a deadline")
ban("QDateTime::current|QUuid::createUuid|system_clock::now" "${product}"
    "the Clock or IdGenerator that is handed in" engine/base)
ban("QSqlDatabase|QSqlQuery|#include <QSql" "${product}" "the Store" engine/store)
ban("#include <Qt(Gui|Widgets)/|#include <Q(Widget|Application|GuiApplication|Painter|MainWindow|Icon|Color|Pixmap|Image|Font|Window|Screen|Palette|Clipboard|DesktopServices|Action|Menu|Dialog|Label)>"
    engine "engine/ knows neither Gui nor Widgets")
ban("QHttpServer|QtCharts" "${all}" "our own HTTP server and plots: those are GPL-only")
conclude()
