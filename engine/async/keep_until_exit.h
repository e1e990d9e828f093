// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace signalbox::async {

// The answer to a coroutine that could not be joined (TaskScope::unjoined()): what it may still use is kept
// until the process ends, and never destroyed. From any thread.
template <class T>
void keepUntilExit(std::unique_ptr<T> owner)
{
    static std::mutex mutex;
    static auto *const kept = new std::vector<T *>; // reachable, and out of reach of the destructors at exit
    const std::lock_guard guard(mutex);
    kept->push_back(owner.release());
}

} // namespace signalbox::async
