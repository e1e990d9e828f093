// SPDX-License-Identifier: Apache-2.0
#include "base/failpoint.h"

#ifdef SIGNALBOX_FAILPOINTS

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace signalbox {

namespace {

struct Armed
{
    Armed()
    {
        const char *wanted = std::getenv("SIGNALBOX_FAILPOINT");
        if (wanted == nullptr)
            return;
        name = wanted;
        const std::size_t colon = name.find(':');
        if (colon != std::string::npos) {
            remaining = std::atoi(name.c_str() + colon + 1);
            name.resize(colon);
        }
        const std::string_view all(name);
        const std::size_t dot = all.rfind('.');
        for (std::size_t i = 0; dot != std::string_view::npos && i < kFailPlaceNames.size(); ++i) {
            if (kFailPlaceNames[i] == all.substr(0, dot))
                place = static_cast<FailPlace>(i);
        }
        edge = all.ends_with(".after") ? FailEdge::After : FailEdge::Before;
    }
    std::string name;
    FailPlace place = FailPlace::None;
    FailEdge edge = FailEdge::Before;
    std::atomic<int> remaining{1};
};

Armed &armed()
{
    static Armed only;
    return only;
}

} // namespace

bool isFailpointArmed(FailPlace place, FailEdge edge)
{
    const Armed &wanted = armed();
    return wanted.place != FailPlace::None && wanted.place == place && wanted.edge == edge;
}

void reachFailpoint(FailPlace place, FailEdge edge)
{
    if (!isFailpointArmed(place, edge) || --armed().remaining > 0)
        return;
    const std::string line = "failpoint " + armed().name + '\n';
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

} // namespace signalbox

#endif
